# %% [markdown]
# # Homework 4: losses and optimizers (损失函数, 优化器)
#
# Three losses or slopes of losses, three optimizers. Chapter 05 has all that you need. Write with NumPy; the checks compare
# with what Paddle does.

# %% [markdown]
# Student ID (学号): write it here
#
# Name (姓名): write it here

# %%
import numpy as np

from course_utils.homework import Homework

hw = Homework("hw4")

# %% [markdown]
# ## Question 1: cross entropy of logits (5 points)
#
# `logits` is `[N, C]`, `labels` `[N]` holds the true class of each sample. Give the cross entropy (交叉熵):
# $-\log \operatorname{softmax}$ at the label, mean over the samples. It must survive logits of 800.
#
# The example: logits 2, 1, 0 with label 0 and logits 0, 0, 3 with label 1.


# %% tags=["stub"]
def cross_entropy(logits, labels):
    raise NotImplementedError


# %% tags=["solution"]
def cross_entropy(logits, labels):
    z = logits - logits.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -log_p[np.arange(labels.size), labels].mean()


# %%
hw.check("q1", cross_entropy)

# %% [markdown]
# ## Question 2: its gradient (5 points)
#
# The slopes of question 1 for the logits, `[N, C]`, by your own formula: no automatic differentiation.


# %% tags=["stub"]
def cross_entropy_gradient(logits, labels):
    raise NotImplementedError


# %% tags=["solution"]
def cross_entropy_gradient(logits, labels):
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(labels.size), labels] -= 1
    return p / labels.size


# %%
hw.check("q2", cross_entropy_gradient)

# %% [markdown]
# ## Question 3: smooth L1 (4 points)
#
# With $e = |p - t|$: $e^2 / 2$ where $e$ is below 1, $e - 1/2$ from there on; mean over all elements. The example: errors of 0.5
# and 3 give $(0.125 + 2.5) / 2 = 1.3125$.


# %% tags=["stub"]
def smooth_l1(predictions, targets):
    raise NotImplementedError


# %% tags=["solution"]
def smooth_l1(predictions, targets):
    error = np.abs(predictions - targets)
    return np.where(error < 1, error**2 / 2, error - 0.5).mean()


# %%
hw.check("q3", smooth_l1)

# %% [markdown]
# ## Question 4: momentum (5 points)
#
# Start with weights `w` and velocity $v = 0$. For each gradient $g$, with its own learning rate $\eta$: $v \leftarrow \mu v + g$,
# then $w \leftarrow w - \eta v$. Give the weights after all steps. `gradients` holds one array for each step, `rates` one rate.
#
# The example: three gradients of 1, rate 0.1, $\mu = 0.9$ from 0: $v$ is 1, 1.9, 2.71, and $w$ ends at -0.561.


# %% tags=["stub"]
def momentum(w, gradients, rates, mu):
    raise NotImplementedError


# %% tags=["solution"]
def momentum(w, gradients, rates, mu):
    v = 0.0
    for g, rate in zip(gradients, rates):
        v = mu * v + g
        w = w - rate * v
    return w


# %%
hw.check("q4", momentum)

# %% [markdown]
# ## Question 5: Adam (8 points)
#
# Give the weights after all steps of Adam, with both bias corrections; $t$ counts from 1:
# $m \leftarrow \beta_1 m + (1 - \beta_1) g$, $v \leftarrow \beta_2 v + (1 - \beta_2) g^2$,
# $w \leftarrow w - \eta \, \hat m / (\sqrt{\hat v} + \epsilon)$, where $\hat m = m / (1 - \beta_1^t)$, $\hat v = v / (1 - \beta_2^t)$.
#
# The example: gradients 1000 and -0.001, one step of 0.01: both weights move by 0.01.


# %% tags=["stub"]
def adam(w, gradients, lr, beta1, beta2, eps):
    raise NotImplementedError


# %% tags=["solution"]
def adam(w, gradients, lr, beta1, beta2, eps):
    m, v = 0.0, 0.0
    for t, g in enumerate(gradients, 1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        w = w - lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)
    return w


# %%
hw.check("q5", adam)

# %% [markdown]
# ## Question 6: decoupled weight decay (6 points)
#
# AdamW: in each step the weights first shrink by the factor $1 - \eta \lambda$, where $\lambda$ is `weight_decay`; then comes
# Adam's step with $\beta_1 = 0.9$, $\beta_2 = 0.999$, $\epsilon = 10^{-8}$. Give the weights after all steps.


# %% tags=["stub"]
def adamw(w, gradients, lr, weight_decay):
    raise NotImplementedError


# %% tags=["solution"]
def adamw(w, gradients, lr, weight_decay):
    m, v = 0.0, 0.0
    for t, g in enumerate(gradients, 1):
        w = w * (1 - lr * weight_decay)
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g**2
        w = w - lr * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return w


# %%
hw.check("q6", adamw)

# %% [markdown]
# ## Open question (6 points, marked by your teacher)
#
# Your loss does not fall. Name three causes, and for each what you would look at to tell it from the others.
#
# *Your answer:*

# %%
hw.progress()
