# %% [markdown]
# # Losses and optimizers (损失函数, 优化器)
#
# A loss says how wrong a net is, in one number with a slope. Back-propagation carries the slope to every weight, and an
# optimizer turns slopes into steps. All three by hand, until nothing in a step of training is left to believe.

# %% [markdown]
# {card}

# %% tags=["nbval-ignore-output"]
from course_utils import settings

run = settings.setup("05_losses_and_optimizers", seed=5)

# %%
import itertools
import random
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn

from course_utils import demos, errata, metrics, ops, optimizers, plotting, recipes, timing

# %% [markdown]
# ## 1 What does a loss punish?
#
# A net says $p$, the truth is $t$. A *loss function* (损失函数) turns the two into a number that is 0 for a perfect answer
# and grows as the answer gets worse. Training needs its slope $\partial L / \partial p$ even more than its value: the slope
# says in which direction, and how hard, this answer will be pushed. Five losses for numbers (regression, 回归), for one
# prediction and one target:
#
# | loss | value | slope $\partial L / \partial p$ |
# | :-- | :-- | :-- |
# | MSE, squared error (均方误差) | $(p - t)^2$ | $2 (p - t)$ |
# | MAE, absolute error (平均绝对误差) | $\lvert p - t \rvert$ | $\operatorname{sign}(p - t)$ |
# | smooth L1, or Huber | $\frac12 (p - t)^2$ up to an error of 1, then $\lvert p - t \rvert - \frac12$ | $p - t$, cut off at $\pm 1$ |
# | MSLE, squared logarithmic error | $\big(\log(1 + p) - \log(1 + t)\big)^2$ | $2 \big(\log(1 + p) - \log(1 + t)\big) / (1 + p)$ |
# | MAPE, error in percent | $100\, \lvert p - t \rvert / \lvert t \rvert$ | $100 \operatorname{sign}(p - t) / \lvert t \rvert$ |
#
# **Predict first:** the prediction is 3 and the target 1. What do MSE, MAE and MAPE say, and what are their slopes?

# %%
REGRESSION = {  # value and slope for each element, from predictions p and targets t of one shape
    "MSE": lambda p, t: ((p - t) ** 2, 2 * (p - t)),
    "MAE": lambda p, t: (abs(p - t), np.sign(p - t)),
    "smooth L1": lambda p, t: (
        np.where(abs(p - t) < 1, (p - t) ** 2 / 2, abs(p - t) - 0.5),
        np.clip(p - t, -1, 1),
    ),
    "MSLE": lambda p, t: (
        (np.log1p(p) - np.log1p(t)) ** 2,  # log1p(p) is log(1 + p), with all digits also where p is tiny
        2 * (np.log1p(p) - np.log1p(t)) / (1 + p),
    ),
    "MAPE": lambda p, t: (100 * abs(p - t) / abs(t), 100 * np.sign(p - t) / abs(t)),
}
for name, rule in REGRESSION.items():
    value, slope = rule(np.array([3.0]), np.array([1.0]))
    print(f"{name:10} value {value[0]:9.4f}  slope {slope[0]:9.4f}")
r = np.linspace(-4, 4, 401)
curves = {name: REGRESSION[name](r, np.zeros_like(r)) for name in ("MSE", "MAE", "smooth L1")}
plotting.value_and_slope(r, curves, "MSE pushes harder, the further off; MAE pushes always alike", "error $p - t$", 5)
plt.show()

# %% [markdown]
# MSE is gentle near the target and fierce far away. MAE knows only the side, so near the target its steps do not get
# smaller. Smooth L1 takes the better half of each.
#
# A formula for a slope is soon wrong by a sign or a factor. Two checks find that. *Finite differences* (有限差分) move each
# prediction a little to both sides and see what the loss does: $\big(L(p + h) - L(p - h)\big) / 2h$. And Paddle has three
# of the five, and finds slopes by itself:
#
# - A tensor made with `stop_gradient=False` is watched: what is computed from it is recorded, operator by operator.
# - `value.backward()` walks the record back to front, and leaves in each watched tensor's `.grad` the slope of `value` for it.
# - A second `backward()` *adds* to `.grad`. So a training loop clears it at every step: `optimizer.clear_grad()`.
#
# `ops.losses` has all five, with checks of their arguments.


# %%
def close(ours, theirs, tolerance=1e-9):
    """Whether no value differs by more than the tolerance, relative to the largest."""
    return bool(np.abs(np.asarray(ours) - theirs).max() <= tolerance * np.abs(theirs).max())


def paddles(loss, p, *rest, **options):
    """Value and gradient of one of Paddle's losses for the prediction p."""
    x = paddle.to_tensor(p, stop_gradient=False)
    value = loss(x, *map(paddle.to_tensor, rest), **options)
    value.backward()
    return value.item(), x.grad.numpy()


rng, h = np.random.default_rng(run.seed), 1e-6
p, t = rng.uniform(0.5, 9, (2, 4, 3))
NATIVE = {"MSE": F.mse_loss, "MAE": F.l1_loss, "smooth L1": F.smooth_l1_loss}
for name, rule in REGRESSION.items():
    value, slope = rule(p, t)
    assert close((rule(p + h, t)[0] - rule(p - h, t)[0]) / (2 * h), slope, 1e-7)
    mean, gradient = getattr(ops.losses, name.lower().replace(" ", "_"))(p, t)
    native = paddles(NATIVE[name], p, t) if name in NATIVE else (mean, gradient)
    assert close(value.mean(), native[0]) and close(slope / p.size, native[1]) and close(gradient, native[1])
    print(f"{name:10} finite differences within 1e-7{', Paddle within 1e-9' * (name in NATIVE)}: True")

# %% [markdown]
# ### One number for a batch: which mean?
#
# A batch has $N$ samples with $K$ outputs each, so there are $N K$ values. They can be added up, or divided by $N$ (mean over
# the batch), or by $N K$ (mean over all elements, what Paddle calls `"mean"`). The slopes are divided as well, so the choice
# acts like a factor on the learning rate. **Predict first:** every sample appears twice, or every output does. Which of
# the three keep their value?

# %%
p, t = np.array([[2.0, 0, 1], [1, 3, 0]]), np.array([[1.0, 0, 1], [1, 0, 0]])  # N = 2, K = 3, errors 1 and 3
shapes = {
    "as it is": (p, t),
    "samples twice": (np.repeat(p, 2, axis=0), np.repeat(t, 2, axis=0)),
    "outputs twice": (np.repeat(p, 2, axis=1), np.repeat(t, 2, axis=1)),
}
print(f"{'':13} reduction value steepest")
for name, (p, t) in shapes.items():
    values = [ops.losses.mse(p, t, reduction) for reduction in ("sum", "batch", "elements")]
    for reduction, (value, slopes) in zip(("sum", "batch", "elements"), values):
        print(f"{name:13} {reduction:9} {value:5.2f} {abs(slopes).max():8.2f}")
    assert close(values[0][1], paddles(F.mse_loss, p, t, reduction="sum")[1])
    assert close(values[2][1], paddles(F.mse_loss, p, t, reduction="mean")[1])

# %% [markdown]
# Samples twice: both means keep their value. Outputs twice: only the mean over all elements does. The sum keeps it never.
#
# The column "steepest" is the largest slope for one prediction. A weight adds such slopes up over the samples: twice as
# many, each as steep as before, make the steps of the sum twice as long, and whoever changes the batch size must change the
# learning rate too. Both means divide that away. The mean over all elements also divides by the number of outputs, so
# that each single output counts for less, the more there are.
#
# ### Which data does a loss fit?
#
# The notes recommend MSLE and MAPE for data of a wide range, from $-10^5$ to $10^5$, and write them with a guard `10e-6`
# (which is $10^{-5}$, not $10^{-6}$) that lifts smaller numbers. Both losses compare by *ratio*, and a ratio needs numbers
# above 0. With their guard, a prediction of $-50{,}000$ for the target $-5$ costs nothing, and a prediction of 1 for the target
# 0 costs ten million percent (computed in the table at the end). `ops.losses.msle` and `ops.losses.mape` refuse such targets.
#
# ### What does one wild value do?
#
# Take the numbers 1, 2, 3, 4, 100 and one prediction $p$ for them all. The slope of MSE adds up the errors, and is 0 at
# their mean, 22. The slope of MAE counts how many lie on each side, and is 0 in the middle, at 3, wherever the 100 lies. So
# for a value that does not belong, an *outlier* (离群值), MSE is the strict one and MAE the tolerant one: the reverse of what
# the notes say.
#
# The courier of chapter 04 again: minutes against kilometres, a straight line, fitted by gradient descent on each of the
# losses. Then one delivery waits two hours at a barrier. **Predict first:** which line turns?


# %%
def fit_line(loss, x, t, steps=4_000):
    """Slope and intercept by gradient descent, with a rate that falls to 0 so that MAE settles as well."""
    X = np.stack([(x - x.mean()) / x.std(), np.ones_like(x)], axis=1)  # normalized, as chapter 04 taught
    w = np.zeros(2)
    for step in range(steps):
        w = w - (1 - step / steps) * X.T @ loss(X @ w, t)[1]
    return w[0] / x.std(), w[1] - w[0] * x.mean() / x.std()


x = np.linspace(0, 10, 21)
t = 2 * x + 5 + rng.normal(0, 1, x.size)
late = t + 120 * (x == 9.5)
losses = {"MSE": lambda p, t: ops.losses.mse(p, t, "batch"), "MAE": ops.losses.mae, "smooth L1": ops.losses.smooth_l1}
fits = {name: (fit_line(loss, x, t), fit_line(loss, x, late)) for name, loss in losses.items()}
tilt = {name: abs(after[0] - before[0]) for name, (before, after) in fits.items()}
assert tilt["MSE"] > 5 * max(tilt["MAE"], tilt["smooth L1"])
panels = {
    title: (x, minutes, {name: pair[k] for name, pair in fits.items()})
    for k, (title, minutes) in enumerate({"all on time": t, "one waits two hours (arrow)": late}.items())
}
message = "One outlier turns the line of MSE; the others hardly notice"
plotting.fitted_lines(panels, message, "kilometres", "minutes", highest=50)
plt.show()

# %% [markdown]
# Is MAE better, then? If the outlier is an error of measurement, yes. If it is what we must be ready for, MSE is right to
# insist. A loss is a statement about what matters, and the data cannot make it for us.
#
# ## 2 What does a loss for classes look like?
#
# For two classes a net gives one *logit* $z$, any number; the sigmoid $\sigma(z) = 1 / (1 + e^{-z})$ makes it the
# probability of class 1. For $K$ classes it gives $K$ logits, and the *softmax* makes them probabilities
# $p_k = e^{z_k} / \sum_j e^{z_j}$: the exponential makes every number positive and the division makes them add up to 1, so
# that the largest logit gets the largest share. Five losses, with $y$ for the truth:
#
# | loss | truth | value | slope |
# | :-- | :-- | :-- | :-- |
# | logistic, binary cross entropy | $y = 0, 1$ | $-y \log \sigma(z) - (1 - y) \log(1 - \sigma(z))$ | $\sigma(z) - y$ |
# | NLL (负对数似然) | class $c$ | $-\log p_c$, from $\log p$ | $-1$ for $\log p_c$, else 0 |
# | cross entropy (交叉熵) | class $c$ | $-\log p_c = \log \sum_j e^{z_j} - z_c$, from $z$ | $p_k - y_k$, with $y_c = 1$, else 0 |
# | hinge | $y = \pm 1$ | $\max(0,\ 1 - y z)$ | $-y$ where $y z < 1$, else 0 |
# | exponential | $y = \pm 1$ | $e^{-y z}$ | $-y\, e^{-y z}$ |
#
# NLL and cross entropy are the same loss from two starting points, and hold for any number of classes. The logistic loss is
# the case of two, with the logits $(0, z)$.
#
# The formulas are exact, a computer's numbers are not. $e^{800}$ is too large for any of them, and $1 - \sigma(40)$ is
# rounded to 0, whose logarithm is $-\infty$. Both can be had without: with $m$ for the largest logit, and for the two signs
# of $z$ in one line,
#
# $$\begin{aligned} \log \sum_j e^{z_j} &= m + \log \sum_j e^{z_j - m} \\
# \text{logistic} &= \max(z, 0) - z y + \log\big(1 + e^{-|z|}\big) \end{aligned}$$
#
# Now every exponent is at most 0. **Predict first:** what do the plain formulas give for $z = 40$ and $z = -40$ when
# $y = 0$, and for the logits $(800, 0, 0)$ when $c = 1$? And the slope at $z = 40$, by the chain rule (链式法则), first through
# the logarithms and then through the sigmoid?


# %%
def plain_logistic(z, y):  # and its slope, through the logarithms and then the sigmoid
    a = 1 / (1 + np.exp(-z))
    return -y * np.log(a) - (1 - y) * np.log(1 - a), (a - y) / (a * (1 - a)) * (a * (1 - a))


def logistic(z, y):
    return np.maximum(z, 0) - z * y + np.log1p(np.exp(-abs(z)))


def plain_cross_entropy(z, c):
    return -np.log(np.exp(z[c]) / np.exp(z).sum())


def cross_entropy(z, c):
    return z.max() + np.log(np.exp(z - z.max()).sum()) - z[c]


with np.errstate(all="ignore"):  # NumPy would warn of what we want to see
    for z in (2.0, 40.0, -40.0, -800.0):
        value, slope = np.array(plain_logistic(z, 0)) + 0.0  # -0 becomes 0
        print(f"z = {z:9.0f}: plain {value:5.3g}, safe {logistic(z, 0):8.3g}; slope of plain {slope:.3g}")
    for z in (np.array([2.0, 1, 0]), np.array([800.0, 0, 0])):
        text = ", ".join(f"{value:.0f}" for value in z)
        print(f"z = {text:>9}: plain {plain_cross_entropy(z, 1):5.3g}, safe {cross_entropy(z, 1):8.3g}")

# %% [markdown]
# At 40, where the answer is most wrong and the slope should be 1, the plain loss is infinite and its slope is `nan`, "not a
# number": $\sigma(40)$ was rounded to 1, so that one factor divides by 0 and the next is 0. One such sample, and the
# next step makes weights `nan`. At $-40$ the loss has lost all its digits, but there the answer is right. At $-800$,
# $e^{800}$ is infinite and $\sigma$ is 0, and $0 \cdot \log 0 = 0 \cdot (-\infty)$ is `nan` again, for a perfect
# answer. That is why Paddle's losses take logits and not probabilities. The notes' way out, adding $10^{-5}$ to the
# probability, makes a perfect answer cost less than nothing; and their mean over all elements of a one-hot cross
# entropy divides it by the number of classes as well (both computed in the table at the end).
#
# The losses of two classes depend on the *margin* $m = y z$ alone, with $y = \pm 1$; the logistic loss is then
# $\log(1 + e^{-m})$. A positive margin is right, a negative one wrong. With $y = 0$ for one class, as the notes allow,
# the hinge loss is 1 whatever the answer.
#
# **Predict first:** which of the three goes on pushing an answer that is right by far, and which is most upset by a wrong
# label?

# %%
z, c, y = rng.normal(0, 3, (6, 4)), rng.integers(0, 4, 6), rng.integers(0, 2, (6, 4)).astype(float)
log_p, binary = ops.losses.log_softmax(z), F.binary_cross_entropy_with_logits
checks = {
    "logistic": (ops.losses.logistic(z, y), paddles(binary, z, y)),
    "logistic, y = ±1": (ops.losses.logistic(z, y), paddles(F.soft_margin_loss, z, 2 * y - 1)),
    "NLL": (ops.losses.nll(log_p, c), paddles(F.nll_loss, log_p, c)),
    "cross entropy": (ops.losses.cross_entropy(z, c), paddles(F.cross_entropy, z, c)),
}
for name, (ours, theirs) in checks.items():
    assert close(ours[0], theirs[0]) and close(ours[1], theirs[1])
    print(f"{name:16} Paddle's within 1e-9: True")
pair = ops.losses.hinge(z, 2 * y - 1)[0], paddles(F.hinge_embedding_loss, z, 2 * y - 1)[0]
print("Paddle's hinge_embedding_loss is the hinge loss:", close(*pair))
zero = ops.losses.logistic([0], [0])[1], paddles(binary, np.zeros(1), np.zeros(1))[1]
print(f"logistic at z = y = 0, slope {zero[0][0]}, Paddle's {zero[1][0]}")
m = np.linspace(-3, 3, 601)
curves = {
    "logistic": (logistic(m, 1), -1 / (1 + np.exp(m))),
    "hinge": (np.maximum(0, 1 - m), -1.0 * (m < 1)),
    "exponential": (np.exp(-m), -np.exp(-m)),
    "count of errors": (1.0 * (m < 0), 0 * m),
}
assert all(close(curves[name][1], getattr(ops.losses, name)(m, m**0, "sum")[1]) for name in list(curves)[:3])
plotting.value_and_slope(m, curves, "Hinge rests once an answer is clearly right", "margin $m = y z$", 5)
plt.show()

# %% [markdown]
# Two traps first. Paddle's `hinge_embedding_loss` is another loss, for distances. And at a logit of exactly 0, where a last
# layer that begins at 0 stands, this Paddle's slope has the wrong sign. The safe form is the likely reason: both of its parts
# have a kink at 0, which cancel in the loss and must cancel in the slope as well.
#
# What we would like to lower is the count of errors, but it is flat: its slope is 0 wherever it has one, and nothing can be
# learned from it. The three losses are slopes towards it. Hinge stops at a margin of 1, the logistic loss pushes ever less
# but never stops, and the exponential loss gives nearly all its attention to the worst answer, be it only a wrong label.
#
# ## 3 Why not the squared error for classes?
#
# One neuron, $z = w x + b$, with the output $a = \sigma(z)$. The input is $x = 1$, the truth is $y = 0$, and we begin at a
# positive $z$: wrong, and sure of it. The sigmoid is *saturated* (饱和) there. Side by side, by the chain rule
# with $\sigma' = a (1 - a)$:
#
# $$\begin{aligned} L &= (a - y)^2 & \frac{\partial L}{\partial z} &= 2\, (a - y)\; a\, (1 - a) \\
# L &= -y \log a - (1 - y) \log (1 - a) & \frac{\partial L}{\partial z} &= a - y \end{aligned}$$
#
# The logarithm cancels the sigmoid's slope. The squared error keeps it, and it is nearly 0 exactly where the neuron is
# most wrong. **Predict first:** from $z = 8$, with the learning rate 0.5, how many steps does each take until the answer
# is right ($a < 0.5$)?


# %%
SLOPES = {"squared error": lambda a: 2 * a * a * (1 - a), "cross entropy": lambda a: a}  # for z, when y = 0


def outputs(slope, z, lr=0.5):
    """Outputs a, step by step until right; w and b begin with half of z each, and x = 1 moves both alike."""
    w, b, path = z / 2, z / 2, [1.0]
    while path[-1] >= 0.5:
        path.append(1 / (1 + np.exp(-w - b)))
        w, b = w - lr * slope(path[-1]), b - lr * slope(path[-1])
    return path[1:]


figure, axis = plt.subplots(figsize=(9, 3.4))
taken = {}  # steps until right
print("z loss         first slope  until right")
for k, z in enumerate((2, 5, 8)):
    for (name, slope), style in zip(SLOPES.items(), ("-", "--")):
        path = outputs(slope, z)
        taken[name, z] = len(path) - 1
        print(f"{z} {name:13} {slope(path[0]):10.6f} {taken[name, z]:6,} steps")
        axis.plot(1 + np.arange(len(path)), path, style, color=f"C{k}", label=f"{name}, from z = {z}")
axis.set(xscale="log", xlim=(1, None), xlabel="step + 1", ylabel="output a (truth: 0)")
axis.set_title("The more wrong it is, the longer the squared error waits")
axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=10)
plt.show()

# %% [markdown]
# A larger learning rate helps the squared error here, but how large it must be depends on how wrong the neuron is, and
# other samples of the batch have other needs.
#
# ### The three usual pairings
#
# A loss and the output before it are chosen together, so that the slope for $z$ is the plain error, answer minus truth.
# With the identity goes half the squared error, $\frac12 (a - y)^2$ (the half cancels the 2 of the slope); with the
# sigmoid the logistic loss; with the softmax the cross entropy. Below, $z = (8, 1, -1)$ are the logits and the last class
# is the truth, for each pairing and two others. The slopes are Paddle's, from `backward()`.

# %%
z, truth = np.array([[8.0, 1, -1]]), np.array([[0.0, 0, 1]])


def half_square(a, y):
    return ((a - y) ** 2).sum() / 2


softmax, s = np.exp(ops.losses.log_softmax(z)), ops.activations.sigmoid(z)[0]
pairings = {  # name: loss of z and truth, and the slope by formula
    "identity + squared error": (half_square, z - truth),
    "sigmoid + logistic": (lambda z, y: F.binary_cross_entropy_with_logits(z, y, reduction="sum"), s - truth),
    "softmax + cross entropy": (lambda z, y: F.cross_entropy(z, y, soft_label=True), softmax - truth),
    "sigmoid + squared error": (lambda z, y: half_square(F.sigmoid(z), y), (s - truth) * s * (1 - s)),
    "ReLU + squared error": (lambda z, y: half_square(F.relu(z), y), (np.maximum(z, 0) - truth) * (z > 0)),
}
for name, (loss, formula) in pairings.items():
    slopes = paddles(loss, z, truth)[1] + 0.0  # -0 becomes 0
    assert close(slopes, formula)
    print(f"{name}\n   " + "".join(f"{slope:10.4f}" for slope in slopes[0]))

# %% [markdown]
# In the first three rows the wrong class is pushed down and the right one up, with the plain error. The sigmoid with the
# squared error leaves the first class, which is most wrong, almost alone. And ReLU sends nothing to the last output, which
# is shut and ought to rise: for an output, prefer the identity, or leaky ReLU, which has a slope on both sides.
#
# ## 4 How does the slope reach the first layer?
#
# A step of training has four parts: *forward* (the net answers), *loss*, *backward* (the slope of the loss for every weight),
# *update* (the weights move against their slopes, $w \leftarrow w - \eta\, \partial L / \partial w$ with the learning rate
# $\eta$). The minus is easily lost: the slope points uphill. And the third part is not the optimizer's work, as the notes
# have it; it is *back-propagation* (反向传播), the chain rule from back to front.
#
# Two layers, with $x\,[N, D]$, $W_1\,[D, H]$, $b_1\,[H]$, $W_2\,[H, K]$, $b_2\,[K]$ and one-hot truths $y\,[N, K]$:
#
# $$\begin{aligned} h &= \tanh(x W_1 + b_1) \\ z &= h W_2 + b_2 \\ L &= \text{cross entropy}(z, y) \end{aligned}$$
#
# Call the function after a layer's sum, here $\tanh$, its *bend* (the activation function, 激活函数, of chapter 03), and write
# $\delta$ for the slope of $L$ for the input of a bend. It begins as the plain error of section 3 (divided by $N$, for
# the mean over the batch), and passes a layer by its weights, transposed, and the slope of the bend:
#
# $$\begin{aligned} \delta_2 &= \frac{p - y}{N} & [N, K] \\ \delta_1 &= (\delta_2 W_2^\top) \odot (1 - h^2) & [N, H] \end{aligned}$$
#
# $$\begin{aligned} \frac{\partial L}{\partial W_2} &= h^\top \delta_2 & \frac{\partial L}{\partial b_2} &= \sum_n \delta_{2,n} \\
# \frac{\partial L}{\partial W_1} &= x^\top \delta_1 & \frac{\partial L}{\partial b_1} &= \sum_n \delta_{1,n} \end{aligned}$$
#
# where $\odot$ multiplies element by element, and $1 - h^2$ is the slope of $\tanh$. Every slope has the shape of what it
# belongs to; that alone tells which factor must be transposed. Our slopes against those of Paddle's automatic
# differentiation (自动微分):


# %%
def two_layers(x, c, W1, b1, W2, b2):
    """Logits [N, K], the loss, and its slopes for W1, b1, W2, b2."""
    h = np.tanh(x @ W1 + b1)  # [N, H]
    z = h @ W2 + b2  # [N, K]
    loss, delta2 = ops.losses.cross_entropy(z, c)  # delta2 = (p - y) / N
    delta1 = delta2 @ W2.T * (1 - h**2)  # [N, H]
    return z, loss, (x.T @ delta1, delta1.sum(axis=0), h.T @ delta2, delta2.sum(axis=0))


N, D, H, K = 5, 3, 4, 2
weights = [rng.normal(size=shape) for shape in ((D, H), (H,), (H, K), (K,))]
x, c = rng.normal(size=(N, D)), rng.integers(0, K, N)
_, loss, slopes = two_layers(x, c, *weights)
tensors = [paddle.to_tensor(w, stop_gradient=False) for w in weights]
hidden = paddle.tanh(paddle.to_tensor(x) @ tensors[0] + tensors[1])
native = F.cross_entropy(hidden @ tensors[2] + tensors[3], paddle.to_tensor(c))
native.backward()
assert close(loss, native.item())
for name, slope, tensor in zip(("W1", "b1", "W2", "b2"), slopes, tensors):
    same = close(slope, tensor.grad.numpy())
    assert same
    print(f"{name} {list(slope.shape)} within 1e-9: {same}")

# %% [markdown]
# ### Does it matter where the weights begin?
#
# The notes say: with the same first value for all weights a net learns nothing. Four clouds of points, two classes on the
# diagonals, so that no single line can part them. **Predict first:** sixteen hidden neurons that all begin at 0, all at
# 0.5, or at random. How many different neurons are there after training?


# %%
def train(weights, x, c, lr=1.0, steps=1_000):
    """The weights after some steps of gradient descent on the whole batch."""
    for _ in range(steps):
        slopes = two_layers(x, c, *weights)[2]
        weights = [w - lr * slope for w, slope in zip(weights, slopes)]
    return weights


points = rng.uniform(0.2, 1, (200, 2)) * rng.choice([-1, 1], (200, 2))
labels = (points.prod(axis=1) > 0).astype(int)
sizes = ((2, 16), (16,), (16, 2), (2,))
starts = {
    "all 0": [np.zeros(size) for size in sizes],
    "all 0.5": [np.full(size, 0.5) for size in sizes],
    "random": [rng.normal(size=size) for size in sizes],
}
larger = 100 * max(labels.mean(), 1 - labels.mean())
print(f"the larger class has {larger:.0f} % of the points")
for name, start in starts.items():
    ended = train(start, points, labels)
    z, loss, _ = two_layers(points, labels, *ended)
    neurons = len(np.unique(np.round(ended[0], 6), axis=1).T)
    right = 100 * (z.argmax(axis=1) == labels).mean()
    assert (neurons == 16 and right > 95) if name == "random" else (neurons == 1 and right < 90)
    print(f"{name:7} {neurons:2} different, loss {loss:.2f}, {right:.0f} % right")

# %% [markdown]
# Neurons that begin alike get the same slopes, so they stay alike for ever, and sixteen are worth one. From 0 it is worse
# still: with $h = 0$ and $W_2 = 0$ all slopes but those of $b_2$ are 0, and the net can only name the larger class. So
# "learns nothing" is nearly right: what can learn is one neuron at most. Random first weights break the tie; chapter 03
# tells how large they should be.
#
# ### Through a convolution and a pooling
#
# The same rule, for $y = x * w + b$ with $x\,[N, D, H, W]$, $w\,[P, D, K, K]$ and slopes $g\,[N, P, H', W']$ that arrive for
# $y$. Each weight $w_{q,d,u,v}$ was multiplied with the pixel at offset $(u, v)$ of every window, and each pixel took part in
# all windows that hold it:
#
# $$\begin{aligned} \frac{\partial L}{\partial w_{q,d,u,v}} &= \sum_{n,i,j} g_{n,q,i,j}\; x_{n,d,i+u,j+v} \\
# \frac{\partial L}{\partial x_{n,d,r,s}} &= \sum_{q,u,v} g_{n,q,r-u,s-v}\; w_{q,d,u,v} \\
# \frac{\partial L}{\partial b_q} &= \sum_{n,i,j} g_{n,q,i,j} \end{aligned}$$
#
# Both sums over places are convolutions again: the first slides $g$ over $x$, the second slides the flipped kernel over $g$
# with $K - 1$ zeros around it. Pooling has no weights. An average hands each pixel of its window $1/K^2$ of the slope;
# a maximum hands all of it to the winner, for a small change of any other pixel changes nothing.
#
# **Predict first:** a map of the numbers 1 to 16 in four rows, pooled by windows of 2; the slopes 1, 2, 3, 4 arrive. What
# reaches the map?


# %%
def conv_slopes(x, w, g):
    """Slopes for x, w and b of a convolution with stride 1, from those for its output g [N, P, H', W']."""
    of_w = ops.conv2d_einsum(x.swapaxes(0, 1), g.swapaxes(0, 1)).swapaxes(0, 1)  # batch and channels change places
    flipped = w[:, :, ::-1, ::-1].swapaxes(0, 1)  # [D, P, K, K]
    return ops.conv2d_einsum(g, flipped, padding=w.shape[2] - 1), of_w, g.sum(axis=(0, 2, 3))


def enlarge(g, K):
    """Every value K x K times: [..., H', W'] -> [..., K H', K W']."""
    return g.repeat(K, axis=-2).repeat(K, axis=-1)


def average_slopes(g, K):
    return enlarge(g, K) / K**2


def maximum_slopes(x, y, g, K):
    """x: what was pooled; y: its maxima. Winners that tie are all paid, which the chain below must not suffer from."""
    return np.where(x == enlarge(y, K), enlarge(g, K), 0)


x, g = np.arange(1.0, 17).reshape(4, 4), np.array([[1.0, 2], [3, 4]])
print("maximum: ", maximum_slopes(x, np.array([[6, 8], [14, 16]]), g, 2).tolist())
print("average: ", average_slopes(g, 2).tolist())

# %% [markdown]
# Now a whole chain, convolution, ReLU, max-pooling, average-pooling, walked back by hand. Paddle walks it by `backward()`.

# %%
x, w, b = rng.normal(size=(2, 3, 14, 14)), rng.normal(size=(4, 3, 3, 3)), rng.normal(size=4)
tensors = [paddle.to_tensor(array, stop_gradient=False) for array in (x, w, b)]
bent = F.relu(F.conv2d(*tensors))  # [2, 4, 12, 12]
largest = F.max_pool2d(bent, 2)  # [2, 4, 6, 6]
mean = F.avg_pool2d(largest, 2)  # [2, 4, 3, 3]
g = rng.normal(size=mean.shape)  # slopes that arrive from whatever follows
(mean * paddle.to_tensor(g)).sum().backward()

of_largest = average_slopes(g, 2)
of_bent = maximum_slopes(bent.numpy(), largest.numpy(), of_largest, 2)
of_sum = of_bent * (bent.numpy() > 0)  # ReLU lets pass where it was above 0: a window of zeros, all tied, gets nothing
for name, slope, tensor in zip("xwb", conv_slopes(x, w, of_sum), tensors):
    same = close(slope, tensor.grad.numpy())
    assert same
    print(f"{name} {list(slope.shape)} within 1e-9: {same}")
figure, axes = plt.subplots(1, 3, figsize=(9, 3.1))
maps = {"max-pooling's output": of_largest, "the convolution's output": of_sum, "the picture": tensors[0].grad.numpy()}
for axis, (name, slopes) in zip(axes, maps.items()):
    limit = abs(slopes[0, 0]).max()
    axis.imshow(slopes[0, 0], cmap="RdBu_r", vmin=-limit, vmax=limit)
    axis.set_title(name, fontsize=12)
figure.suptitle("Averages spread a slope, maxima pick one pixel, convolutions blend", x=0.01, ha="left", fontsize=14)
plt.show()

# %% [markdown]
# Red is a slope above 0, blue below, white none. From left to right is backwards: each average hands the same share to four
# maxima, each maximum pays one pixel of four, and the convolution blends what its windows share. A window that ReLU has
# shut holds four zeros, which all win; our rule pays them all, Paddle's one of them, and ReLU's slope of 0 takes it back
# from either.
#
# ## 5 How do I write a loss of my own?
#
# As a function of tensors: whatever Paddle's operators compute has a gradient. Suppose that being late costs us nine times as
# much as being early, so we want to name a time that nine of ten deliveries keep. The *quantile loss* (分位数损失, Koenker &
# Bassett 1978) charges an error $t - p$ at rate $q$ where the truth is above and $1 - q$ where it is below:
#
# $$L_q = \max\big(q\,(t - p),\ (q - 1)(t - p)\big)$$
#
# Its slope is 0 where the share $q$ of the truths lies below. As a layer it is a class that keeps $q$, and can stand wherever
# `nn.MSELoss()` does. **Predict first:** which known loss is $L_{0.5}$, but for a factor?


# %%
def quantile_loss(prediction, target, q):
    """Mean over all elements; tensors of one shape."""
    error = target - prediction
    return paddle.maximum(q * error, (q - 1) * error).mean()


class QuantileLoss(nn.Layer):
    def __init__(self, q):
        super().__init__()
        self.q = q

    def forward(self, prediction, target):
        return quantile_loss(prediction, target, self.q)


x = rng.uniform(0, 10, 300)
t = 2 * x + 5 + rng.exponential(1 + x / 2)  # the longer the way, the longer the delays
ways, times = (paddle.to_tensor(a[:, None].astype("float32")) for a in ((x - 5) / 3, t))
assert close(2 * QuantileLoss(0.5)(ways, times).item(), F.l1_loss(ways, times).item(), 1e-5)
print("2 L(0.5) equals MAE within 1e-5: True")

# %%
lines, below = {}, {}
for q in (0.1, 0.5, 0.9):
    paddle.seed(run.seed)
    net, loss = nn.Linear(1, 1), QuantileLoss(q)
    falling = paddle.optimizer.lr.PolynomialDecay(5.0, 1_000, 0.0)  # the rate: from 5 to 0, in a line
    optimizer = paddle.optimizer.SGD(falling, parameters=net.parameters())
    for _ in range(1_000):
        loss(net(ways), times).backward()
        optimizer.step()
        optimizer.clear_grad()
        falling.step()
    below[q] = (times < net(ways)).astype("float32").mean().item()
    assert abs(below[q] - q) < 0.03
    slope, intercept = net.weight.item() / 3, net.bias.item()
    lines[f"q = {q}"] = slope, intercept - 5 * slope
    print(f"q = {q}: {100 * below[q]:.0f} % lie below the line")
plotting.fitted_lines({"300 deliveries": (x, t, lines)}, "Three losses, three questions", "kilometres", "minutes")
plt.show()

# %% [markdown]
# Nothing but $q$ differs. The lines fan out, since delays grow with the way; a mean with a fixed margin could not do that.

# %% [markdown]
# ## 6 Which way down, and how far?
#
# The losses above say how wrong a net is. An optimizer (优化器) changes its weights $w$ until the loss $L(w)$ is small. It sees
# nothing of the landscape but the slopes where it stands, the gradient $g = \partial L / \partial w$, shaped as $w$. The
# gradient points uphill, so every rule goes against it.
#
# A rule takes the weights, their gradient, what it remembers (its state, nothing before the first step) and the learning
# rate $\eta$ (学习率). It returns new weights and a new state. That is all:
#
# `w, state = rule(w, g, state, lr)`
#
# Three rules differ in what they follow. **Gradient descent** (SGD, 梯度下降法) follows $g$ itself. **Momentum** (动量法, Polyak
# 1964) follows a velocity $v$ that gathers gradients. **Nesterov's** momentum (1983) looks one step ahead along it:
#
# $$\begin{aligned} \text{SGD: } & & w &\leftarrow w - \eta\, g \\
# \text{Momentum: } & v \leftarrow \mu v + g & w &\leftarrow w - \eta\, v \\
# \text{Nesterov: } & v \leftarrow \mu v + g & w &\leftarrow w - \eta\,(g + \mu v) \end{aligned}$$
#
# Three more give each weight its own rate: they divide its gradient by the size of those it had before. **Adagrad** (Duchi
# et al. 2011) sums their squares up in $r$, **RMSProp** (Hinton 2012) keeps a running mean $s$ of them, and **Adadelta**
# (Zeiler 2012) also makes the rate itself, from a running mean $d$ of its squared steps $\Delta^2$:
#
# $$\begin{aligned} \text{Adagrad: } & r \leftarrow r + g^2 & w &\leftarrow w - \frac{\eta\, g}{\sqrt r + \varepsilon} \\
# \text{RMSProp: } & s \leftarrow \rho s + (1 - \rho) g^2 & w &\leftarrow w - \frac{\eta\, g}{\sqrt{s + \varepsilon}} \end{aligned}$$
#
# $$\begin{aligned} \text{Adadelta: } & s \text{ as RMSProp} & \Delta &= \frac{\sqrt{d + \varepsilon}}{\sqrt{s + \varepsilon}}\, g \\
# & d \leftarrow \rho d + (1 - \rho) \Delta^2 & w &\leftarrow w - \eta \Delta \end{aligned}$$
#
# All operations act on each weight alone. $\mu$ and $\rho$ are shares that are kept, 0.9 and 0.95 unless you say otherwise;
# $\varepsilon$ is a small number that keeps the division possible.
#
# **Adam** (Kingma & Ba 2015) joins both ideas: a running mean $m$ of the gradients, divided by the root of a running mean $v$
# of their squares (the paper's letter; it is no velocity). Both begin at 0, so they are too small at first; at step $t$
# they hold the shares $1 - \beta_1^t$ and $1 - \beta_2^t$ of what they should, and are divided by these:
#
# $$\begin{aligned} m &\leftarrow \beta_1 m + (1 - \beta_1) g & \hat m &= \frac{m}{1 - \beta_1^t} \\
# v &\leftarrow \beta_2 v + (1 - \beta_2) g^2 & \hat v &= \frac{v}{1 - \beta_2^t} \\
# w &\leftarrow w - \frac{\eta\, \hat m}{\sqrt{\hat v} + \varepsilon} \end{aligned}$$
#
# **AdamW** (Loshchilov & Hutter 2019) first shrinks the weights by the factor $1 - \eta\lambda$, with the weight decay
# (权重衰减) $\lambda$, then does as Adam. Two more relatives: **Adamax** (also by Kingma & Ba 2015) divides by the largest
# gradient of late, $u$, in place of the root. **NAdam** (Dozat 2016) looks ahead as Nesterov does, with a momentum $\mu_t$
# that rises slowly from $\beta_1 / 2$ to $\beta_1$:
#
# $$\begin{aligned} \text{Adamax: } & u \leftarrow \max(|g|,\ \beta_2 u + \varepsilon) \qquad
# w \leftarrow w - \frac{\eta}{1 - \beta_1^t}\, \frac{m}{u} \\
# \text{NAdam: } & \mu_t = \beta_1 \big(1 - \tfrac12\, 0.96^{\,t / 250}\big) \\
# & w \leftarrow w - \frac{\eta}{\sqrt{\hat v} + \varepsilon}
# \left( \frac{\mu_{t+1}\, m}{1 - \mu_1 \cdots \mu_{t+1}} + \frac{(1 - \mu_t)\, g}{1 - \mu_1 \cdots \mu_t} \right)
# \end{aligned}$$
#
# We write the first seven. All ten are in `course_utils.optimizers`, from where AdamW, Adamax and NAdam are taken below.
#
# **Predict first:** how long is Adam's very first step, for a gradient of 1000 and for one of 0.001?


# %% tags=["library"]
def sgd(w, g, state=None, lr=0.01):
    return w - lr * g, state


def momentum(w, g, state=None, lr=0.01, mu=0.9):
    (v,) = state or (np.zeros_like(w),)
    v = mu * v + g
    return w - lr * v, (v,)


def nesterov(w, g, state=None, lr=0.01, mu=0.9):
    (v,) = state or (np.zeros_like(w),)
    v = mu * v + g
    return w - lr * (g + mu * v), (v,)


def adagrad(w, g, state=None, lr=0.01, eps=1e-6):
    (r,) = state or (np.zeros_like(w),)
    r = r + g**2
    return w - lr * g / (np.sqrt(r) + eps), (r,)


def rmsprop(w, g, state=None, lr=0.01, rho=0.95, eps=1e-6):
    (s,) = state or (np.zeros_like(w),)
    s = rho * s + (1 - rho) * g**2
    return w - lr * g / np.sqrt(s + eps), (s,)


def adadelta(w, g, state=None, lr=1.0, rho=0.95, eps=1e-6):
    s, d = state or (np.zeros_like(w), np.zeros_like(w))
    s = rho * s + (1 - rho) * g**2
    step = np.sqrt(d + eps) / np.sqrt(s + eps) * g
    return w - lr * step, (s, rho * d + (1 - rho) * step**2)


def adam(w, g, state=None, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    t, m, v = state or (0, np.zeros_like(w), np.zeros_like(w))
    t, m, v = t + 1, beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return w - lr * m_hat / (np.sqrt(v_hat) + eps), (t, m, v)


# %% [markdown]
# Now the same hundred gradients for our ten rules and for Paddle's, with a rate that falls at steps 30, 60 and 90, without
# and with weight decay. In Paddle `weight_decay` adds $\lambda w$ to the gradient, but for AdamW. `optimizers.descend` is the
# loop `w, state = rule(w, g + l2 * w, state, lr)`.

# %%
lr, start, gradients = paddle.optimizer.lr, rng.normal(size=(3, 4)), rng.normal(0.3, 1, (100, 3, 4))


def paddles_path(name, decay):  # the weights before and after each of the hundred steps, [101, 3, 4]
    rule = getattr(paddle.optimizer, name, paddle.optimizer.Momentum)  # Nesterov is a Momentum
    w, falling = paddle.to_tensor(start, stop_gradient=False), lr.StepDecay(0.05, step_size=30, gamma=0.3)
    ahead = {"use_nesterov": True} if name == "Nesterov" else {}
    optimizer, path = rule(falling, parameters=[w], weight_decay=decay, **ahead), [start]
    for g in gradients:
        optimizer.clear_grad()
        (w * paddle.to_tensor(g)).sum().backward()  # a loss whose gradient is g
        optimizer.step()
        falling.step()
        path.append(w.numpy().copy())
    return np.array(path)


for name, decay in itertools.product(optimizers.RULES, (0.0, 0.05)):
    kind = {"weight_decay" if name == "AdamW" else "l2": decay}
    following = partial(next, iter(gradients))  # called with w, it gives the next gradient whatever w is
    ours = optimizers.descend(optimizers.RULES[name], following, start, lambda k: 0.05 * 0.3 ** (k // 30), 100, **kind)
    assert close(ours - start, paddles_path(name, decay) - start, 1e-6)
print(
    f"{len(optimizers.RULES)} rules equal Paddle's at each of 100 steps, without and with weight decay, within 1e-6: True"
)

# %% [markdown]
# Adam's first step has the length $\eta$ whatever the gradient's size: $\hat m / \sqrt{\hat v} = g / |g|$. Not every rule is
# what its paper says. Where Paddle's differs:
#
# | rule | its paper | Paddle, and our functions |
# | --- | --- | --- |
# | Momentum | $\eta$ inside $v$ | outside: a new rate counts at once for the old velocity too |
# | Nesterov | gradient at the place ahead, $w - \eta\mu v$ | $w$ *is* the place ahead; at a constant rate the same path |
# | RMSProp | the lecture has no $\varepsilon$; many put it outside the root | inside the root, where $10^{-6}$ acts as $10^{-3}$ |
# | Adadelta | no learning rate | one more factor, 0.001 unless you set it: use 1 for the paper's |
# | Adamax | no $\varepsilon$ | added before the maximum is taken |
# | AdamW | decay times schedule | decay times learning rate: half the rate is half the decay |
# | NAdam | the schedule of $\mu_t$ also in $m$ | $\beta_1$ in $m$ |
#
# ## 7 How many samples make a gradient?
#
# $L$ is a mean over $N$ samples, and so is its gradient. Batch gradient descent (批量梯度下降) takes all $N$ for each step,
# mini-batch descent (小批量) a few, and in the strict sense *stochastic* gradient descent (随机梯度下降) a single one. The fewer,
# the cheaper a step, and the more it is left to chance.
#
# The notes say that single samples never let training converge. We fit $t \approx w_1 x_1 + w_2 x_2$ to $N = 256$ samples,
# where the best weights $w^*$ are known, and measure the distance $\lVert w - w^* \rVert$.
#
# **Predict first:** with the same rate, how do 100 passes over the data end with 256, 16 and 1 samples a step? And if the
# rate of single samples falls as $\eta_k = \eta / (1 + k / 500)$ with the step $k$?

# %%
N, passes, eta = 256, 100, 0.1
x = rng.normal(size=(N, 2))
t = x @ [3, -2] + rng.normal(0, 1, N)
best = np.linalg.lstsq(x, t, rcond=None)[0]
kinds = {"all 256": (N, eta), "16": (16, eta), "1": (1, eta), "1, falling rate": (1, lambda k: eta / (1 + k / 500))}
away, ball, (figure, (left, right)) = {}, {}, plt.subplots(1, 2, figsize=(9, 3.8), width_ratios=[1.4, 1])
print("samples a step    steps distance, last 50 passes")
for name, (size, rate) in kinds.items():

    def gradient(w, size=size):
        i = rng.permutation(N)[:size]  # this step's samples
        return x[i].T @ (x[i] @ w - t[i]) / size

    way = optimizers.descend(optimizers.sgd, gradient, (0, 0), rate, passes * N // size) - best
    away[name] = np.sqrt((way[1:] ** 2).sum(axis=1).reshape(passes, -1).mean(axis=1))  # root mean square of each pass
    ball[name] = np.sqrt((away[name][-50:] ** 2).mean())
    left.plot(1 + np.arange(passes), away[name], label=name)
    last = way[-min(300, len(way) // 2) :]
    right.plot(*last.T, "o", markersize=6 if size == N else 2.5, zorder=3 if size == N else 2)
    print(f"{name:16} {len(way) - 1:6,} {ball[name]:8.3f}")
left.set(xlabel="passes over the data", ylabel="distance from the best weights", yscale="log", ylim=(1e-3, 50))
left.legend(title="samples a step", loc="upper right", ncols=2, fontsize=10, title_fontsize=10)
right.set(xlabel="$w_1 - w_1^*$", ylabel="$w_2 - w_2^*$", aspect="equal")
figure.suptitle("A constant rate ends in a ball of noise; a falling one closes it", x=0.01, ha="left", fontsize=14)
plt.show()

# %% [markdown]
# All samples together go straight to $w^*$, one step a pass (right, in the same colours: up to 300 of the last steps).
# Fewer samples get near it within fewer passes, and then wander about in a ball of noise. How large is it? Each step
# shrinks the squared distance by about the share $2 \eta$, and adds the noise of $B$ samples, $\eta^2 \sigma^2 / B$ for
# each weight. The two balance at $\eta \sigma^2 / 2 B$ for each weight, so for our two weights at the distance
# $\sigma \sqrt{\eta / B}$, if $\eta$ is small. The noise has the deviation $\sigma = 1$ here: $\sqrt{0.1} \approx 0.32$ for one
# sample, a quarter of it for 16.
#
# So single samples do not converge at a constant rate, and do with a falling one. Enough for that is
# $\sum_k \eta_k = \infty$ (it can get anywhere) and $\sum_k \eta_k^2 < \infty$ (the noise adds up to something finite); our
# $\eta_k$ falls as $1/k$ and has both (Robbins & Monro 1951).
#
# And with all samples? Descent ends where the gradient is 0. In a landscape with more than one valley that need not be the
# lowest place, nor even a valley: the next section has a saddle (鞍点) for that.
#
# ### Is a batch of 64 faster than one of 63?
#
# The notes say that code runs a little faster with a batch size that is a power of two. We time a step of training on a net
# with one hidden layer, with batches of 60 to 68. They take turns, so that a busy moment of the machine strikes all alike,
# and the whole is done several times, for an interval, each time in another order: who always runs after the same one may
# inherit its trouble. 64 stands there twice, and what separates the two is chance.
# **Predict first:** what does a sample cost in a batch of 64, compared with its neighbours?


# %% tags=["nbval-ignore-output"]
def train_step(images, classes):
    F.cross_entropy(net(images), classes).backward()
    optimizer.step()
    optimizer.clear_grad()


net = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
optimizer = paddle.optimizer.SGD(0.01, parameters=net.parameters())
batch_sizes, others = np.arange(60, 69), np.arange(60, 69) != 64
calls = {n: partial(train_step, paddle.randn([n, 784]), paddle.randint(0, 10, [n])) for n in map(int, batch_sizes)}
calls["64 again"], rounds = calls[64], []
for _ in range(run.pick(full=20, quick=3)):
    turns = {n: calls[n] for n in random.sample(list(calls), len(calls))}  # in an order of its own
    rounds.append(timing.interleaved_ratios(turns, reference=64, repeats=run.pick(full=40, quick=5)))
a_sample = [[64 / n * ratios["64 again" if n == 64 else n] for n in batch_sizes] for ratios in rounds]
low, mean, high = metrics.mean_interval(np.array(a_sample))  # [9] each
more, band = 100 * (mean - 1)[others].mean(), 50 * (high - low)[others].mean()  # percent; half the band's width
print(f"the 8 neighbours cost {more:+.1f} % on average, each known to about ± {band:.1f} %")
axis = plt.figure(figsize=(8, 3.2)).gca()
plotting.interval_curves(axis, batch_sizes, {"time a sample": (low, mean, high)})
axis.plot(64, mean[4], "s", color="C1", markersize=9)
axis.set(xlabel="batch size (square: 64, timed a second time)", ylabel="time a sample / that of 64")
dearer, cheaper = (others & (low > 1)).sum(), (others & (high < 1)).sum()
axis.set_title(f"A sample costs more than at 64 for {dearer} of 8 neighbours, less for {cheaper}")
plt.show()

# %% [markdown]
# The band is the 95 % interval of the mean over the repetitions, as in chapter 04. If powers of two mattered, both sides of
# the square would rise. Of eight bands, one may miss 1 by chance, and a slope through the whole picture has another cause:
# what a step costs whatever its size is shared by more samples. So unless most neighbours on both sides lie above 1, no
# advantage of 64 is to be seen. That is not yet "there is none": one smaller than the band (its half width is printed)
# would have escaped us. And the answer belongs to this net, processor and library; on a GPU, multiples of 8 can matter to
# its matrix units, which we have not measured.
#
# ## 8 Who is first?
#
# Two landscapes of two weights. The **ravine** is 50 times as steep across as along, and turned by 30 degrees:
# $(a^2 + 50\, b^2) / 2$ with $a, b$ along and across. The **saddle** $(10 w_1^2 - w_2^2) / 2 + w_2^4 / 24$ is a valley
# along $w_1$ and a ridge along $w_2$; the start lies 0.001 beside the ridge, and two lowest points wait at
# $w_2 = \pm\sqrt 6$.
#
# A race at one rate for all would only show whom the rate suits. So each runs at fifteen rates, and counts the steps until
# its loss stays below a thousandth of what it was (above the lowest; 300 steps at most). AdamW is Adam here, without decay.
# Two more rows exchange memories: by default RMSProp keeps the share $\rho = 0.95$ of its mean square at each step, and
# Adam $\beta_2 = 0.999$.
#
# **Predict first:** whose best rate is the largest? Who bears the widest band of rates?

# %%
assert all(0.75 < ball[name] / np.sqrt(eta / size) < 1.3 for name, size in {"16": 16, "1": 1}.items())
assert dearer + cheaper <= others.sum() == 8
lands = {"a ravine, turned by 30 degrees": optimizers.ravine(), "a saddle": optimizers.saddle()}
rates = np.array([digit * 10.0**power for power in range(-3, 2) for digit in (1, 2, 5)])  # [15]
racers = {name: rule for name, rule in optimizers.RULES.items() if name != "AdamW"}
LONG, SHORT = "RMSProp, ρ = 0.999", "Adam, β₂ = 0.95"
exchanged = {LONG: partial(optimizers.rmsprop, rho=0.999), SHORT: partial(optimizers.adam, beta2=0.95)}


def sweep(land, rule):
    """Paths [301, 15, 2] at all rates at once, and the steps [15] that each rate needs."""
    starts = np.tile(land.start, (len(rates), 1))  # [15, 2], each row with a rate of its own
    paths = optimizers.descend(rule, land.gradient, starts, rates[:, None], 300)
    losses = land.value(paths) - land.lowest  # [301, 15]
    return paths, optimizers.steps_until(losses, losses[0, 0] / 1000)


runners = racers | exchanged
sweeps = {title: {name: sweep(land, rule) for name, rule in runners.items()} for title, land in lands.items()}
needed = {title: {name: steps for name, (_, steps) in rows.items()} for title, rows in sweeps.items()}
plotting.rate_sweep(rates, needed, "Each rule has a best rate of its own (framed); empty cells do not arrive")
plt.show()

# %% [markdown]
# A row of SGD ends suddenly: beyond $2 / 50$ in the ravine it jumps from side to side, farther each time. Rules that divide
# by the size of past gradients cannot be thrown out so, and most of them want far larger rates: their step is about
# $\eta$, whatever the slope. That is why a rate must never be carried over from one optimizer to another.
#
# RMSProp and Adam differ much here, and the last two rows say why: it is their memory. With $\rho = 0.95$ RMSProp has
# forgotten the steep start after some dozens of steps and divides by the small gradients of the moment, so its steps stay
# about as long as $\eta$, even beside the lowest point, until the rate is lowered. With 0.999 nothing is forgotten in 300
# steps: its mean square only grows, as Adagrad's sum does, and its steps shrink with the gradient. Adam with the short
# memory in turn arrives in a narrower band of rates. So the table compares the defaults as much as the rules.
#
# NAdam has Adam's long memory, and its row ends early for another reason. With $\mu_t$ near $\beta_1 / 2$ the newest
# gradient has about half the weight in its step (Adam: a tenth), so beyond a modest rate it throws the weights from
# side to side where Adam's mean cancels the swing. And Adadelta wants the largest rate in the ravine, as its own begins
# with the tiny $\sqrt\varepsilon$. Here are the nine with their defaults, each at its best rate:

# %% tags=["cover"]
arrivals = {name: np.isfinite(steps).sum() for name, steps in needed["a ravine, turned by 30 degrees"].items()}
assert arrivals[LONG] > 2 * arrivals["RMSProp"] and arrivals["Adam"] > arrivals[SHORT]
chosen = {}  # name: the path, and the number of its rate
for title, land in lands.items():
    ways = {name: sweeps[title][name] for name in racers}
    chosen[title] = {name: (paths[:, steps.argmin()], steps.argmin()) for name, (paths, steps) in ways.items()}
    titles = {
        f"{name}, {rates[k]:g}\n{needed[title][name][k]:.0f} steps": path for name, (path, k) in chosen[title].items()
    }
    plotting.path_panels(land, titles, f"The ways down {title}, each at its best rate")
    plt.show()

# %% [markdown]
# SGD is held back twice: across the ravine the rate must be small, and along it a small rate makes little way. Momentum
# adds up the small pushes along and cancels those across; Nesterov's look ahead also damps the swinging.
#
# At the saddle SGD, Momentum and Nesterov first run into the saddle itself, where the slope towards the valleys is tiny.
# Rules that divide by the gradient's size make a full step of it. (Adagrad's few steps have luck in them: its first leaps,
# each about $\eta$ long along $w_2$, lead past the lowest point and happen to lead back near it.) On the line $w_2 = 0$
# itself no rule leaves: the slope along $w_2$ is exactly 0.

# %% tags=["nbval-ignore-output"]
title, land = "a ravine, turned by 30 degrees", lands["a ravine, turned by 30 degrees"]
few = ("SGD", "Momentum", "Nesterov", "Adagrad", "RMSProp", "Adam")
race = {title: {name: chosen[title][name][0] for name in few} for title in lands}
plotting.race_filmstrip(lands["a saddle"], race["a saddle"], [2, 8, 30, 100], "Leaving the saddle, early or late")
plt.show()
plotting.race_step(
    land,
    {name: path[:151] for name, path in race[title].items()},
    150,
    "In the ravine, momentum of any kind leaves plain SGD behind",
)
plt.show()
moments = (90, 0, 1, 2, 4, 8, 15, 30, 50)  # the end first: it is what a page on paper shows
frames = (plotting.race_step(land, {name: path[:91] for name, path in race[title].items()}, k) for k in moments)
plotting.animate(frames, alt="Six optimizers descend a ravine; Nesterov arrives first, SGD creeps along the floor")

# %% [markdown]
# **Move it yourself:** give all of them twice their best rate, or half of it, and see who is thrown out and who is late:

# %% tags=["demo", "nbval-ignore-output"]
demos.show("optimizer_race")

# %% [markdown]
# **Predict first:** the ravine is turned by 30 degrees. Who is faster if it lies along the axes, so that one weight is
# across and the other along?

# %%
assert min(race[title], key=lambda name: needed[title][name].min()) == "Nesterov"
straight = optimizers.ravine(angle=0)
for name, rule in {name: runners[name] for name in (*few, LONG)}.items():
    turned, along = needed[title][name].min(), sweep(straight, rule)[1].min()
    print(f"{name:18} {turned:4.0f} turned, {along:4.0f} along the axes")
stuck = optimizers.descend(optimizers.sgd, lands["a saddle"].gradient, (-3, 0), 0.1, 300)[-1]
print("SGD from w2 = 0 stays at the saddle:", np.allclose(stuck, 0))

# %% [markdown]
# SGD and both momenta do not care: turn the landscape, and their path turns with it. A rule with a rate for each weight can
# undo a ravine that lies along the axes, as if it were round, and loses that when it is turned: so Adagrad, and RMSProp with
# the long memory. With its short memory RMSProp gains nothing, as its steps stay long near the end, and Adam little, as
# its momentum has yet to swing out. No rule wins everywhere.
#
# ### What if Adam leaves the corrections out?
#
# Without them $m$ and $\sqrt v$ begin too small, but not equally so. For a steady gradient the step is
# $\eta\,(1 - \beta_1^t) / \sqrt{1 - \beta_2^t}$ in place of $\eta$. **Predict first:** is the first one too short or too long?


# %%
def uncorrected(w, g, state=None, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    m, v = state or (np.zeros_like(w), np.zeros_like(w))
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
    return w - lr * m / (np.sqrt(v) + eps), (m, v)


figure, axis = plt.subplots(figsize=(8, 3.4))
for rule, label in ((uncorrected, "uncorrected"), (adam, "Adam")):
    lengths = -np.diff(optimizers.descend(rule, np.ones_like, [0.0], 1.0, 5000)[:, 0])  # rate 1: in units of the rate
    axis.plot(np.arange(1, 5001), lengths, label=label)
    print(f"{label}: first {lengths[0]:.2f}, longest {lengths.max():.2f} rates")
print(
    "Adam's first step for gradients of 1000 and 0.001:", adam(np.zeros(2), np.array([1e3, 1e-3]))[0].round(6).tolist()
)
print(f"by hand: 0.1 / sqrt(0.001) = {0.1 / np.sqrt(0.001):.2f}")
axis.set(xscale="log", ylim=(0, None), xlabel="step", ylabel="length of the step / rate")
axis.set_title("Without its corrections Adam begins with steps that are too long")
axis.legend()
plt.show()

# %% [markdown]
# Too long, and for a thousand steps and more: $v$, with $\beta_2 = 0.999$, needs longer to grow than $m$.
#
# ## 9 What else changes on the way?
#
# ### The rate
#
# The noise ball asks for a small rate, the way to it for a large one. A schedule (学习率调度) has both. Four that are in use:
# a staircase, a cosine after a warm-up (预热), one cycle, which rises for longer before it falls, and a trapezoid, whose end
# can be decided late. Do they help? Single samples again, 20 runs at once, from the same start.

# %%
steps = 2_000
schedules = {
    "constant": lr.LambdaDecay(eta, lambda k: 1.0),
    "staircase": lr.StepDecay(eta, step_size=500, gamma=0.3),
    "cosine": recipes.cosine(eta, steps, warm_up=200),
    "one cycle": recipes.one_cycle(eta, steps),
    "trapezoid": recipes.trapezoid(eta, steps, rise=200, fall=600),
}
drawn = {name: [] for name in schedules}  # the rate of each step
for _ in range(steps):
    for name, schedule in schedules.items():
        drawn[name].append(schedule())
        schedule.step()  # Paddle's schedules move when they are told to
plotting.schedule_panels(drawn, "Large rates to get there, small ones to stay")
plt.show()


def of_one_sample(w):  # for each row of w [20, 2] the gradient of a sample of its own
    i = rng.integers(0, N, len(w))
    return x[i] * ((x[i] * w).sum(axis=1) - t[i])[:, None]


for name, rates in drawn.items():
    ends = optimizers.descend(optimizers.sgd, of_one_sample, np.zeros((20, 2)), rates.__getitem__, steps)[-1]
    print(f"{name:9} ends at the distance {np.linalg.norm(ends - best, axis=1).mean():.3f}")

# %% [markdown]
# Every schedule that ends small ends nearer than the constant rate with the same number of samples. What separates them is how
# long they stay small: the staircase is below a third of its rate for three quarters of the way, the trapezoid for a
# tenth. This landscape is easy to reach; where the way is long, that time is missed. Which is best for a net is a matter
# of trying; chapter 09 does it on photographs.
#
# ### The weights themselves, by decay
#
# The notes call `weight_decay` L2 regularization (L2正则化). In `paddle.optimizer.Adam` it is: $\lambda w$ joins the gradient
# (it is the gradient of $\tfrac{\lambda}{2} \lVert w \rVert^2$), and goes through $m$ and $v$ with it. Decay and gradient are
# coupled. AdamW lets the weights shrink beside all that: decoupled.
#
# Three weights which the data want neither larger nor smaller: their gradients alternate between $+s$ and $-s$, with
# $s = 0.1$, 1 and 10. Only the decay should move them. **Predict first:** which weight shrinks fastest under Adam with L2?

# %%
sizes, decay, steps = np.array([0.1, 1.0, 10.0]), 0.5, 3000


def alternating():
    signs = itertools.cycle([1, -1])
    return lambda w: next(signs) * sizes


shrinking = {
    "SGD with L2": optimizers.descend(optimizers.sgd, alternating(), np.ones(3), 1e-3, steps, l2=decay),
    "Adam with L2": optimizers.descend(optimizers.adam, alternating(), np.ones(3), 1e-3, steps, l2=decay),
    "AdamW": optimizers.descend(optimizers.adamw, alternating(), np.ones(3), 1e-3, steps, weight_decay=decay),
}
figure, axes = plt.subplots(1, 3, figsize=(9, 3.4), sharey=True)
for axis, (name, path) in zip(axes, shrinking.items()):
    for size, weights in zip(sizes, path.T):
        axis.plot(weights, label=f"gradients ±{size:g}", linewidth=1.5)
    axis.plot((1 - 1e-3 * decay) ** np.arange(steps + 1), ":", color="black", label=r"$(1 - \eta\lambda)^k$")
    axis.set(xlabel="step $k$", title=name)
    print(f"{name:13} {', '.join(f'{w:.2f}' for w in path[-1])}")
axes[0].set_ylabel("weight")
axes[2].legend(loc="upper right", fontsize=10)
figure.suptitle("AdamW shrinks all weights alike; Adam divides the decay by the gradient's size", x=0.01, ha="left")
plt.show()

# %% [markdown]
# Adam divides the decay as it divides the gradient, so a weight with large gradients hardly decays, and one with small
# gradients is pulled to 0, at first by nearly full steps of length $\eta$. Where decay matters, take AdamW; and do not
# carry $\lambda$ over from one to the other.

# %% [markdown]
# ## Recap

# %% tags=["nbval-ignore-output"]
print("one outlier turns the line by", ", ".join(f"{name} {angle:.2f}" for name, angle in tilt.items()), "minutes a km")
print("steps from z = 8 until right:", ", ".join(f"{name} {n:,}" for (name, z), n in taken.items() if z == 8))
print("below the lines of q:", ", ".join(f"{q} {100 * share:.0f} %" for q, share in below.items()))
print("steps down the turned ravine:", ", ".join(f"{name} {needed[title][name].min():.0f}" for name in few))
print("distance left, by samples a step:", ", ".join(f"{name} {gap:.3f}" for name, gap in ball.items()))
print("weights after decay:", "; ".join(f"{name} {np.round(path[-1], 2).tolist()}" for name, path in shrinking.items()))
print(f"batches of 60 to 68: {dearer} sizes cost more a sample than 64, {cheaper} less")

# %% [markdown]
# - A loss says what matters: MSE follows outliers, MAE and smooth L1 do not, and one of your own is a few lines.
# - Loss and output are chosen together, so that the slope for the logits is the plain error, $p - y$.
# - Losses take logits, because a probability that was rounded to 0 or 1 has lost its slope.
# - The mean over the batch keeps a step's length when the batch grows; a mean over classes changes the loss itself.
# - Back-propagation is the chain rule with shapes: transposed weights, flipped kernels, the winner of a maximum.
# - Every optimizer is `w, state = rule(w, g, state, lr)`, and each has a best rate of its own; no rule wins everywhere.
# - At a constant rate single samples end in a ball of noise, and a falling rate closes it.
# - Weight decay in Adam is divided with the gradient; in AdamW it shrinks all weights alike.
#
# ## Where the course notes differ

# %%
assert taken["squared error", 8] > taken["cross entropy", 8]
errata.table("05_losses_and_optimizers")

# %% [markdown]
# ## Try it
#
# 1. Move the late delivery of section 1 to the middle of the way, 5 km. Which line still moves, and how?
# 2. In section 3, give the squared error a learning rate of 50. From which starts is it quick now, and what does it do from
#    $z = 2$?
# 3. Let the picture of section 4 pass a convolution with stride 2. Which zeros must stand between the slopes $g$?
# 4. Train all three quantiles of section 5 at once, with `nn.Linear(1, 3)`. Can their lines cross?
# 5. Time batches around 256 in section 7, or another width of the hidden layer.
# 6. In the race, start the saddle with `optimizers.saddle(off=1e-9)`. Which rows of the sweep change, and why not all?
# 7. Give RMSProp a rate that falls. How many steps does it need in the ravine now?
#
# **Next:** [chapter 06](06_lenet_digits.ipynb) puts all of it to work on handwritten digits.
#
# **Homework:** [homework 4](homework/hw4_losses_optimizers.ipynb).
#
# ## References
#
# - P. J. Huber, *Robust estimation of a location parameter*, Annals of Mathematical Statistics 35, 1964.
# - R. Koenker, G. Bassett, *Regression quantiles*, Econometrica 46, 1978.
# - D. E. Rumelhart, G. E. Hinton, R. J. Williams, *Learning representations by back-propagating errors*, Nature 323, 1986.
# - J. S. Bridle, *Probabilistic interpretation of feedforward classification network outputs*, 1990.
# - C. Cortes, V. Vapnik, *Support-vector networks*, Machine Learning 20, 1995.
# - Y. Freund, R. E. Schapire, *A decision-theoretic generalization of on-line learning and an application to boosting*,
#   Journal of Computer and System Sciences 55, 1997.
# - H. Robbins, S. Monro, *A stochastic approximation method*, Annals of Mathematical Statistics 22, 1951.
# - B. T. Polyak, *Some methods of speeding up the convergence of iteration methods*, 1964.
# - Y. Nesterov, *A method for solving the convex programming problem with convergence rate O(1/k²)*, 1983.
# - J. Duchi, E. Hazan, Y. Singer, *Adaptive subgradient methods for online learning and stochastic optimization*, JMLR 12,
#   2011.
# - T. Tieleman, G. E. Hinton, *Lecture 6.5, RMSProp*, Coursera, 2012.
# - M. D. Zeiler, *ADADELTA: an adaptive learning rate method*, 2012.
# - I. Sutskever, J. Martens, G. Dahl, G. E. Hinton, *On the importance of initialization and momentum in deep learning*,
#   ICML 2013.
# - D. P. Kingma, J. Ba, *Adam: a method for stochastic optimization*, ICLR 2015.
# - T. Dozat, *Incorporating Nesterov momentum into Adam*, ICLR workshop 2016.
# - I. Loshchilov, F. Hutter, *SGDR: stochastic gradient descent with warm restarts*, ICLR 2017, and *Decoupled weight decay
#   regularization*, ICLR 2019.
# - L. N. Smith, N. Topin, *Super-convergence: very fast training of neural networks using large learning rates*, 2018.
