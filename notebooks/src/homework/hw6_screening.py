# %% [markdown]
# # Homework 6: screening (筛查)
#
# A net gives every person a score, the higher the more suspicious. What is it worth? Chapter 10 has all that you need. Labels
# are 1 for the ill and 0 for the healthy; both are NumPy arrays. Who scores at a threshold or above is called ill.

# %% [markdown]
# Student ID (学号): write it here
#
# Name (姓名): write it here

# %%
import numpy as np

from course_utils.homework import Homework

hw = Homework("hw6")

# %% [markdown]
# ## Question 1: four counts (4 points)
#
# Count the people at a threshold: true positives, false positives, true negatives, false negatives, in this order.
#
# The example: scores 0.9, 0.8, 0.6, 0.4, 0.3, 0.2 with labels 1, 1, 0, 1, 0, 0 at 0.5.


# %% tags=["stub"]
def confusion(scores, labels, threshold):
    raise NotImplementedError


# %% tags=["solution"]
def confusion(scores, labels, threshold):
    called, ill = scores >= threshold, labels == 1
    return (called & ill).sum(), (called & ~ill).sum(), (~called & ~ill).sum(), (~called & ill).sum()


# %%
hw.check("q1", confusion)

# %% [markdown]
# ## Question 2: sensitivity and specificity (4 points)
#
# From the four counts: sensitivity (灵敏度), the share of the ill who are called ill, and specificity (特异度), the share of the
# healthy who are left in peace.


# %% tags=["stub"]
def sensitivity_specificity(tp, fp, tn, fn):
    raise NotImplementedError


# %% tags=["solution"]
def sensitivity_specificity(tp, fp, tn, fn):
    return tp / (tp + fn), tn / (tn + fp)


# %%
hw.check("q2", sensitivity_specificity)

# %% [markdown]
# ## Question 3: the area under the ROC curve (6 points)
#
# The AUC without a curve: of all pairs of an ill and a healthy person, the share in which the ill one scores higher; a pair
# with equal scores counts half.


# %% tags=["stub"]
def auc(scores, labels):
    raise NotImplementedError


# %% tags=["solution"]
def auc(scores, labels):
    ill, healthy = scores[labels == 1], scores[labels == 0]
    differences = ill[:, None] - healthy[None, :]
    return ((differences > 0) + 0.5 * (differences == 0)).mean()


# %%
hw.check("q3", auc)

# %% [markdown]
# ## Question 4: a threshold for a wanted specificity (6 points)
#
# Which is the lowest of all people's scores that, as a threshold, leaves at least the share `specificity` of the healthy
# below it? There is always one in the checks. The example: healthy 0.1, 0.2, 0.3 and 0.6, ill 0.4 and 0.9, at 0.75.


# %% tags=["stub"]
def threshold_at(scores, labels, specificity):
    raise NotImplementedError


# %% tags=["solution"]
def threshold_at(scores, labels, specificity):
    healthy = scores[labels == 0]
    for threshold in sorted(scores):
        if (healthy < threshold).mean() >= specificity:
            return threshold
    return np.inf


# %%
hw.check("q4", threshold_at)

# %% [markdown]
# ## Question 5: what a result means (6 points)
#
# Of those called ill, how many are (PPV, 阳性预测值)? Of those left in peace, how many are healthy (NPV, 阴性预测值)? Both depend
# on the prevalence (患病率), the share of ill people among those who come. The example: 0.95, 0.9, and 3 people in a hundred.


# %% tags=["stub"]
def predictive_values(sensitivity, specificity, prevalence):
    raise NotImplementedError


# %% tags=["solution"]
def predictive_values(sensitivity, specificity, prevalence):
    found, missed = sensitivity * prevalence, (1 - sensitivity) * prevalence
    alarmed, spared = (1 - specificity) * (1 - prevalence), specificity * (1 - prevalence)
    return found / (found + alarmed), spared / (spared + missed)


# %%
hw.check("q5", predictive_values)

# %% [markdown]
# ## Question 6: the interval of a share (4 points)
#
# `correct` of `total` were right. Give both ends of Wilson's 95 % interval, with $z = 1.96$:
# $\frac{1}{1 + z^2 / n} \left( \hat p + \frac{z^2}{2 n} \pm z \sqrt{\frac{\hat p (1 - \hat p)}{n} + \frac{z^2}{4 n^2}} \right)$.


# %% tags=["stub"]
def wilson_interval(correct, total):
    raise NotImplementedError


# %% tags=["solution"]
def wilson_interval(correct, total):
    z, share = 1.96, correct / total
    middle = share + z**2 / (2 * total)
    half = z * np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    return (middle - half) / (1 + z**2 / total), (middle + half) / (1 + z**2 / total)


# %%
hw.check("q6", wilson_interval)

# %% [markdown]
# ## Open question (6 points, marked by your teacher)
#
# A net has 95 % accuracy on a set where half of the people are ill. What would you ask before you use it in a town where 3
# in a hundred are? Name three things and say why each matters.
#
# *Your answer:*

# %%
hw.progress()
