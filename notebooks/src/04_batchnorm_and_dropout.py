# %% [markdown]
# # Batch normalization and dropout (批归一化, 丢弃法)
#
# Two layers that act in one way while a net learns and in another when it is used. One makes learning easier, the other
# makes it harder on purpose. We write both by hand and measure what each promises.

# %% [markdown]
# {card}

# %% tags=["nbval-ignore-output"]
from course_utils import settings

run = settings.setup("04_batchnorm_and_dropout", seed=4)

# %%
from contextlib import suppress

import matplotlib.pyplot as plt
import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn

from course_utils import datasets, demos, errata, metrics, ops, plotting
from course_utils.errors import CourseError
from course_utils.modes import chosen_convolutions, evaluating
from course_utils.training import Trainer

# %% [markdown]
# ## 1 Why does gradient descent zigzag?
#
# A courier notes how long each delivery takes: $t$ minutes for $x_1$ kilometres (0 to 1) and $x_2$ floors (0 to 5). We
# predict $\hat t = w_1 x_1 + w_2 x_2$ and look for the two weights that make the loss small over $N$ deliveries:
#
# $$L(w) = \frac{1}{2N} \sum_{n=1}^{N} (w_1 x_{n1} + w_2 x_{n2} - t_n)^2$$
#
# With the inputs as rows of a matrix $X\,[N, 2]$ and the times $t\,[N]$, the slopes are
# $\partial L / \partial w = X^\top (X w - t) / N$, and a step of gradient descent is
# $w \leftarrow w - \eta\, \partial L / \partial w$ with the learning rate (学习率) $\eta$.
#
# Over the plane of the two weights, $L$ is a bowl. How fast its slopes change, the curvature, is told by the matrix
# $H = X^\top X / N\,[2, 2]$. Its larger eigenvalue (特征值) $\lambda_{\max}$ is the curvature in the steepest direction, its
# smaller one $\lambda_{\min}$ that in the flattest, at a right angle. Where the two differ much, the bowl is a long valley.
#
# One step multiplies the distance from the lowest point by $1 - \eta\lambda$ in each of the two directions. So $\eta$ must
# stay below $2 / \lambda_{\max}$, or the distance across the valley grows from step to step, and with so small an $\eta$ the
# way along the valley is slow. Both directions shrink alike for $\eta = 2 / (\lambda_{\min} + \lambda_{\max})$, by the factor
# $(\kappa - 1) / (\kappa + 1)$ a step, where $\kappa = \lambda_{\max} / \lambda_{\min}$ is the condition number (条件数). A
# round bowl has $\kappa = 1$.
#
# **Predict first:** kilometres go up to 1, floors up to 5. Which weight has the steep direction? Does it help to divide each
# input by its standard deviation, or must its mean be subtracted as well?

# %%
rng = np.random.default_rng(run.seed)
x = rng.uniform(0, [1, 5], (200, 2))  # kilometres, floors
t = x @ [6, 2] + rng.normal(0, 0.3, 200)  # 6 minutes a kilometre, 2 a floor, and chance


def descend(X, t, steps=1000):
    """The path [steps, 2] of gradient descent from 0 at its best constant rate, its losses, and the condition number."""
    low, high = np.linalg.eigvalsh(X.T @ X / len(t))
    w, path = np.zeros(2), []
    for _ in range(steps):
        path.append(w)
        w = w - 2 / (low + high) * X.T @ (X @ w - t) / len(t)
    path = np.array(path)
    return path, ((path @ X.T - t) ** 2).mean(axis=1) / 2, high / low


inputs = {
    "as they are": (x, t),
    "divided by the deviation": (x / x.std(axis=0), t),
    "mean subtracted, divided": ((x - x.mean(axis=0)) / x.std(axis=0), t - t.mean()),  # a bias learns t's mean
}
descents = {name: descend(*pair) for name, pair in inputs.items()}
for name, (_, losses, kappa) in descents.items():
    steps = np.argmax(losses - losses[-1] <= (losses[0] - losses[-1]) / 1000)
    print(f"{name:25} condition number {kappa:5.1f}, {steps:3} steps to a thousandth of the loss")


# %% tags=["cover"]
def surface(X, t):
    """L over arrays of w1 and w2."""
    return lambda w1, w2: ((X[:, 0] * w1[..., None] + X[:, 1] * w2[..., None] - t) ** 2).mean(axis=-1) / 2


figure, axes = plt.subplots(1, 2, figsize=(9, 4.2))
for axis, name in zip(axes, ("as they are", "mean subtracted, divided")):
    path, _, kappa = descents[name]
    plotting.descent_contours(axis, surface(*inputs[name]), path, f"{name}: $\\kappa$ = {kappa:.1f}")
figure.suptitle("A long valley makes the descent zigzag; round contours lead straight down", x=0.01, ha="left")
plt.show()

# %% [markdown]
# Contours join weights of equal loss, the descent begins at the large dot and ends at the star. In the valley it jumps from
# side to side along $w_2$, whose input is large, and hardly moves along the floor.
#
# Subtracting the mean matters as much as the scale: inputs that are all positive rise and fall together in the sums of
# $H$, and that tilts and stretches the valley. Both together, $\hat x = (x - \mu) / \sigma$, is feature normalization
# (特征归一化): all inputs get the same range.
#
# That repairs the first layer. But the outputs of a hidden layer (隐藏层) are the inputs of the next one, with means and
# scales of their own, and these change with every step of training.
#
# ## 2 What does batch normalization compute?
#
# It normalizes the outputs of a layer at every step, with the mean and the variance of what is at hand: the samples of this
# batch (Ioffe & Szegedy 2015). For one channel (通道), or one neuron, with the values $x_1, \dots, x_m$ in the batch:
#
# $$\mu = \frac{1}{m}\sum_i x_i \qquad \sigma^2 = \frac{1}{m}\sum_i (x_i - \mu)^2$$
#
# $$\hat x_i = \frac{x_i - \mu}{\sqrt{\sigma^2 + \varepsilon}} \qquad y_i = \gamma\, \hat x_i + \beta$$
#
# $\varepsilon = 10^{-5}$ keeps the division possible where all values are equal. $\gamma$ and $\beta$ are learned, one of
# each per channel. They begin at 1 and 0 and let the net choose another scale and mean wherever that serves it better.
#
# For $x\,[N, C]$ a channel has $m = N$ values. For maps $x\,[N, C, H, W]$ it has $m = N H W$, since a convolution uses the
# same weights at every place. $\mu, \sigma^2, \gamma, \beta$ have the shape $[C]$.
#
# When the net is used there may be one sample only, and its answer should not depend on who else is in the batch. So
# training keeps a running mean $r$ (移动平均), which begins at 0, and likewise a running variance, which begins at 1:
#
# $$r \leftarrow \alpha\, r + (1 - \alpha)\, \mu$$
#
# In evaluation (评估) these stand in for $\mu$ and $\sigma^2$. Paddle calls $\alpha = 0.9$ the momentum: the share that is kept.
#
# Three samples with two channels can be checked by hand: the means are 3 and 6, the variances $(4 + 0 + 4) / 3 = 8/3$ and
# $(16 + 0 + 16) / 3 = 32/3$. **Predict first:** the second channel is twice the first. How do their normalized values differ?


# %%
def batch_norm(x, gamma, beta, running, training=True, alpha=0.9, eps=1e-5):
    """y, shaped as x [N, C] or [N, C, H, W], and the running (mean, variance), [C] each, after it."""
    mean, var = running
    if training:
        axes = (0, *range(2, x.ndim))  # all but the channels
        mean, var = x.mean(axis=axes), x.var(axis=axes)
        running = alpha * running[0] + (1 - alpha) * mean, alpha * running[1] + (1 - alpha) * var
    column = (-1, *[1] * (x.ndim - 2))  # [C] for [N, C], [C, 1, 1] for maps
    x_hat = (x - mean.reshape(column)) / np.sqrt(var.reshape(column) + eps)
    return gamma.reshape(column) * x_hat + beta.reshape(column), running


x = np.array([[1.0, 2], [3, 6], [5, 10]])
y, running = batch_norm(x, np.ones(2), np.zeros(2), (np.zeros(2), np.ones(2)))
print("y, sample by sample:", y.round(4).tolist())
print("running mean 0.9 * 0 + 0.1 * (3, 6):          ", running[0].round(4).tolist())
print("running variance 0.9 * 1 + 0.1 * (8/3, 32/3): ", running[1].round(4).tolist())
print("PyTorch, which divides by m - 1 for this one: ", (0.9 + 0.1 * x.var(axis=0, ddof=1)).round(4).tolist())

# %% [markdown]
# They do not differ (but for $\varepsilon$): batch normalization does not notice the scale of what it reads. The last line is
# for those who compare frameworks: PyTorch stores the variance divided by $m - 1$, and its momentum 0.1 is the share of the
# *new* value. The same recipe, two conventions, two differences.
#
# Paddle's own, on vectors and on maps: three batches in training, then one in evaluation.


# %%
def close(ours, theirs, tolerance):
    """Whether no value differs by more than the tolerance, relative to the largest."""
    return bool(np.abs(ours - theirs).max() <= tolerance * np.abs(theirs).max())


for shape in ((8, 3), (8, 3, 5, 5)):
    layer = (nn.BatchNorm1D if len(shape) == 2 else nn.BatchNorm2D)(3)
    layer.to(dtype="float64")
    gamma, beta, running = rng.uniform(0.5, 2, 3), rng.normal(size=3), (np.zeros(3), np.ones(3))
    layer.weight.set_value(paddle.to_tensor(gamma))
    layer.bias.set_value(paddle.to_tensor(beta))
    for training in (True, True, True, False):
        layer.train() if training else layer.eval()
        x = rng.normal(2, 3, shape)
        native = layer(paddle.to_tensor(x)).numpy()
        y, running = batch_norm(x, gamma, beta, running, training)
        assert close(y, native, 1e-6)
    stored = layer._mean.numpy(), layer._variance.numpy()
    assert close(running[0], stored[0], 1e-6)
    assert close(running[1], stored[1], 1e-6)
    print(f"{list(shape)}: values, running mean and running variance equal Paddle's within 1e-6: True")

# %% [markdown]
# (`ops.batch_norm` is our function with checks of its arguments, and so are `ops.batch_norm_gradient` and
# `ops.fold_batch_norm` for the next section.)
#
# How far may the running mean be trusted? Below, one neuron's values have the mean 2 and the deviation 3, and batches of
# three sizes pass. The mean of a batch scatters with $\sigma / \sqrt m$; the running mean begins at 0, forgets that with
# $0.9^k$ after $k$ batches, and averages about the last twenty.

# %%
figure, axes = plt.subplots(1, 3, figsize=(9, 3), sharey=True)
for axis, m in zip(axes, (2, 8, 64)):
    statistics, means, kept = (np.zeros(1), np.ones(1)), [], []
    for _ in range(80):
        values = rng.normal(2, 3, (m, 1))
        _, statistics = batch_norm(values, np.ones(1), np.zeros(1), statistics)
        means.append(values.mean())
        kept.append(statistics[0][0])
    axis.plot(means, ".", color="0.6", label="mean of a batch")
    axis.plot(kept, color="C0", label="running mean")
    axis.axhline(2, color="C1", linestyle="--", label="true mean")
    axis.set_title(f"batches of {m}", fontsize=12)
    axis.set(xlabel="batch")
axes[0].set_ylabel("value")
axes[2].legend(loc="lower right", fontsize=10)
figure.suptitle("The running mean is steady only where the batches are not too small", x=0.01, ha="left", fontsize=14)
plt.show()

# %% [markdown]
# ## 3 How does the gradient find its way back?
#
# While the net learns, $\mu$ and $\sigma$ depend on every value of the batch, so $x_i$ acts on all $y_j$ of its channel, not on
# its own $y_i$ alone. Write $g_i = \partial L / \partial y_i$ for the slopes that arrive and
# $s = \sqrt{\sigma^2 + \varepsilon}$. The chain rule along all three ways, through $x_i$ itself, $\mu$ and $\sigma^2$, gives
#
# $$\frac{\partial L}{\partial x_i} = \frac{\gamma}{s}\Big( g_i - \frac1m \sum_j g_j - \hat x_i\, \frac1m \sum_j g_j \hat x_j
# \Big)$$
#
# $$\frac{\partial L}{\partial \gamma} = \sum_j g_j \hat x_j \qquad \frac{\partial L}{\partial \beta} = \sum_j g_j$$
#
# The bracket takes two things out of $g$: its mean, and its part along $\hat x$. That must be so, because adding a constant
# to all $x_i$, or stretching them, changes no $y$; a gradient in those directions would promise what cannot happen.
#
# **Predict first:** a layer $x W + b$ stands before batch normalization. What is the gradient of its bias $b$?


# %%
def batch_norm_gradient(x, gamma, g, eps=1e-5):
    """Slopes for x [N, C], gamma and beta [C], from the slopes g [N, C] for y."""
    s = np.sqrt(x.var(axis=0) + eps)  # [C]
    x_hat = (x - x.mean(axis=0)) / s
    of_gamma, of_beta = (g * x_hat).sum(axis=0), g.sum(axis=0)
    return gamma / s * (g - of_beta / len(x) - x_hat * of_gamma / len(x)), of_gamma, of_beta


x, g, gamma = rng.normal(2, 3, (8, 3)), rng.normal(size=(8, 3)), rng.uniform(0.5, 2, 3)
ours = batch_norm_gradient(x, gamma, g)
tensors = [paddle.to_tensor(array, stop_gradient=False) for array in (x, gamma, np.zeros(3))]
moved = paddle.zeros([3], "float64"), paddle.ones([3], "float64")
(F.batch_norm(tensors[0], *moved, *tensors[1:], training=True) * paddle.to_tensor(g)).sum().backward()
for name, slope, tensor in zip(("x", "gamma", "beta"), ours, tensors):
    same = close(slope, tensor.grad.numpy(), 1e-9)
    assert same
    print(f"slopes for {name:5} {list(slope.shape)} equal Paddle's within 1e-9: {same}")
print("sum of the slopes for x in each channel is 0 within 1e-9:", bool(np.abs(ours[0].sum(axis=0)).max() < 1e-9))

# %% [markdown]
# The last line is the answer: $b$ is added to all samples, so its slope is the sum over the batch, which is 0. Batch
# normalization subtracts whatever $b$ adds. A layer right before it needs no bias ($\beta$ takes its place), and many nets
# leave it out with `bias_attr=False`.
#
# ### What does it cost when the net is used?
#
# Nothing, if we like. In evaluation $\mu$ and $s$ are constants, so batch normalization is $y = a x + c$ for each channel,
# and a convolution before it can swallow both. With kernels $w\,[P, D, U, V]$ and bias $b\,[P]$:
#
# $$w'_p = \frac{\gamma_p}{s_p}\, w_p \qquad b'_p = \beta_p + \frac{\gamma_p}{s_p}\, (b_p - \mu_p)$$

# %%
convolution, norm = nn.Conv2D(3, 8, 3), nn.BatchNorm2D(8)
images = paddle.to_tensor(rng.normal(1, 2, (16, 3, 10, 10)).astype("float32"))
for _ in range(20):
    norm(convolution(images))  # moves the running statistics
norm.weight.set_value(paddle.to_tensor(rng.uniform(0.5, 2, 8).astype("float32")))
norm.eval()
w, b = convolution.weight.numpy(), convolution.bias.numpy()
factor = norm.weight.numpy() / np.sqrt(norm._variance.numpy() + 1e-5)  # gamma / s, [8]
folded = nn.Conv2D(3, 8, 3)
folded.weight.set_value(w * factor[:, None, None, None])
folded.bias.set_value(norm.bias.numpy() + factor * (b - norm._mean.numpy()))
assert close(folded(images).numpy(), norm(convolution(images)).numpy(), 1e-5)
print("one convolution equals convolution and batch normalization within 1e-5: True")
print(f"{w.size + b.size + 4 * 8} numbers to store before, {w.size + b.size} after")

# %% [markdown]
# ## 4 Does it keep its three promises?
#
# The course notes name three effects of batch normalization: a larger learning rate is possible, the first weights matter
# less, and overfitting is restrained to some degree. Each is tried below on a net that learns from a few digits: four hidden
# layers of 64 neurons, each followed by the bend ReLU, $\max(0, x)$, and where we say so with batch normalization before it.
# The `Trainer` takes the steps. It lowers the cross entropy (交叉熵), a loss that is small where the net is sure of the right
# digit; chapter 06 explains both.
#
# One run proves little, since first weights and the order of the images are drawn by chance. So every recipe runs with
# several seeds, and two recipes are compared seed by seed: same digits, same order. If $d_1, \dots, d_n$ are the
# differences, with mean $\bar d$ and standard deviation $s_d$, then the true mean difference lies within
# $\bar d \pm \tau\, s_d / \sqrt n$ in about 95 of 100 experiments. Student's $\tau$ (2.4 for eight seeds, 4.3 for three) pays for
# $s_d$ being estimated as well. Where such an interval holds 0, we have not seen an effect. All of it is for these test
# images; how much others would change an accuracy, chapter 06 tells.

# %% tags=["nbval-ignore-output"]
data = datasets.digits()
test = data.test.take(run.pick(full=2_000, quick=300))
seeds = range(run.pick(full=8, quick=3))
print(data.source)
print(f"test images: {test.size:,}, seeds: {len(seeds)}")


def few_digits(seed, n=1_400):
    """n training digits of this seed's own."""
    chosen = np.random.default_rng([run.seed, seed]).choice(data.train.size, n, replace=False)
    return datasets.Split(data.train.images[chosen], data.train.labels[chosen])


def judge(net, split):
    """Loss and accuracy in % in evaluation mode, all images at once."""
    x, t = paddle.to_tensor(split.images).astype("float32") / 255, paddle.to_tensor(split.labels)
    with evaluating(net), chosen_convolutions():
        logits = net(x)
        return F.cross_entropy(logits, t).item(), 100 * metrics.accuracy(logits.numpy(), split.labels)


# %%
assert test.size > 0
NETS = {"with BN": nn.BatchNorm1D, "without": None}


def mlp(seed, norm=None, bend=nn.ReLU, after=False):
    """784 pixels, four hidden layers of 64, ten logits; norm(64) stands before each bend, or after it."""
    paddle.seed(run.seed + seed)  # draws the first weights
    layers, inputs = [nn.Flatten()], 784
    for _ in range(4):
        middle = [norm(64), bend()] if norm else [bend()]
        layers += [nn.Linear(inputs, 64), *(middle[::-1] if after else middle)]
        inputs = 64
    return nn.Sequential(*layers, nn.Linear(64, 10))


def learn(net, seed, images, epochs, lr, rule=paddle.optimizer.SGD, batch_size=50, callbacks=()):
    """The net after some epochs; where the loss is no longer finite, as it is then."""
    optimizer = rule(lr, parameters=net.parameters())
    trainer = Trainer(net, optimizer, batch_size=batch_size, seed=seed, callbacks=callbacks, report=None)
    with suppress(CourseError):  # the Trainer stops at a loss that is not finite
        trainer.fit(images, epochs=epochs)
    return net


# %%
measured = {}  # what the recap shows: name -> (low, mean, high)


def record(name, values):
    """Keep the mean over the seeds with its interval, and say on which side of 0 it lies."""
    measured[name] = low, mean, high = metrics.mean_interval(values)
    verdict = "above 0" if low > 0 else "below 0" if high < 0 else "0 is possible"
    return f"{name}: {mean:+.2f} [{low:+.2f}, {high:+.2f}], {verdict}"


def sweep(values, run_one):
    """Test accuracy [seeds, values] of both nets; run_one(norm, seed, value) gives a trained one."""
    return {
        name: np.array([[judge(run_one(norm, seed, value), test)[1] for value in values] for seed in seeds])
        for name, norm in NETS.items()
    }


def usable(values, accuracy):
    """Decades within nine tenths of the best accuracy, and where they end; linear between the points."""
    decades = np.linspace(*np.log10(values[[0, -1]]), 1_001)
    good = decades[np.interp(decades, np.log10(values), accuracy) >= 0.9 * accuracy.max()]
    return len(good) * (decades[1] - decades[0]), good.max()


# %% [markdown]
# ### Promise 1: a larger learning rate
#
# **Predict first:** plain gradient descent, with learning rates over several decades. At which rate does the plain net fail,
# and at which the net with batch normalization?


# %% tags=["nbval-ignore-output"]
epochs = run.pick(full=5, quick=3)
rates = 10.0 ** run.pick(full=np.arange(-2.5, 1.6, 0.5), quick=np.arange(-2.0, 1.1, 1.0))
by_rate = sweep(rates, lambda norm, seed, rate: learn(mlp(seed, norm), seed, few_digits(seed), epochs, rate))
tops = {name: [usable(rates, row)[1] for row in by_rate[name]] for name in NETS}
print(record("BN minus none: largest usable learning rate (decades)", np.subtract(*tops.values())))
figure, axis = plt.subplots(figsize=(8, 3.6))
bands = {name: metrics.mean_interval(by_rate[name]) for name in NETS}
plotting.interval_curves(axis, rates, bands, chance=10)
axis.set(xscale="log", xlabel="learning rate (log scale)", ylabel="test accuracy in %", ylim=(0, 100))
gain = 10 ** measured["BN minus none: largest usable learning rate (decades)"][1]
axis.set_title(f"Normalized, the net can take {gain:.0f} times the learning rate")
axis.legend()
plt.show()

# %% [markdown]
# A learning rate is usable here if it brings a net to nine tenths of its own best accuracy. One decade is a factor of ten.
# Bands are 95 % intervals of the mean over the seeds. **Move it yourself:** smaller nets, which tell two spirals apart, at
# a rate and with batches that you choose:

# %% tags=["demo", "nbval-ignore-output"]
demos.show("batch_norm")

# %% [markdown]
# ### Promise 2: the first weights matter less
#
# Multiply all first weights $w$ by a factor $a$. A layer with batch normalization behind it gives the same output $y$ as
# before, since $\mu$ and $\sigma$ are multiplied by $a$ too (if $\varepsilon$ is small beside $\sigma^2$): $y(a w) = y(w)$. Take
# the slope for $w$ on both sides, and the chain rule gives $a\, y'(a w) = y'(w)$. So weights that are $a$ times as large
# have slopes of $1/a$, and a step changes them by $1/a^2$ of their size.

# %%
assert all(top > np.log10(rates[0]) for name in NETS for top in tops[name])
x, w, g = rng.normal(size=(32, 5)), rng.normal(size=(5, 4)), rng.normal(size=(32, 4))
one, zero = np.ones(4), np.zeros(4)


def through(w):
    """Values of x w after batch normalization, and the slopes for w."""
    y, _ = batch_norm(x @ w, one, zero, (zero, one), eps=1e-12)
    return y, x.T @ batch_norm_gradient(x @ w, one, g, eps=1e-12)[0]


(y, slopes), (y_large, slopes_large) = through(w), through(100 * w)
assert close(y_large, y, 1e-9)
assert close(100 * slopes_large, slopes, 1e-9)
print("weights times 100: equal outputs within 1e-9: True; slopes divided by 100 within 1e-9: True")

# %% [markdown]
# **Predict first:** both nets with the learning rate 0.1, first weights from a hundredth to a hundred times the usual. Which
# end hurts which net?


# %% tags=["nbval-ignore-output"]
def from_scaled(norm, seed, scale):
    """Trained from first weights times a scale; biases, gamma and beta as usual."""
    net = mlp(seed, norm)
    for weight in net.parameters():
        if weight.ndim == 2:
            weight.set_value(weight * scale)
    return learn(net, seed, few_digits(seed), epochs, lr=0.1)


scales = 10.0 ** run.pick(full=np.arange(-2, 2.1, 0.5), quick=np.arange(-2, 2.1, 1.0))
by_scale = sweep(scales, from_scaled)
widths = {name: [usable(scales, row)[0] for row in by_scale[name]] for name in NETS}
print(record("BN minus none: usable scales of the first weights (decades)", np.subtract(*widths.values())))
figure, axis = plt.subplots(figsize=(8, 3.6))
plotting.interval_curves(axis, scales, {name: metrics.mean_interval(by_scale[name]) for name in NETS}, chance=10)
axis.set(xscale="log", xlabel="factor on all first weights (log scale)", ylabel="test accuracy in %", ylim=(0, 100))
more = measured["BN minus none: usable scales of the first weights (decades)"][1]
axis.set_title(f"Normalized, the first weights may be off by {more:.1f} decades more")
axis.legend()
plt.show()

# %% [markdown]
# The plain net sends signals through four layers, so a factor $a$ on each becomes $a^4$. With batch normalization only the
# output layer, which has none behind it, feels the factor directly. What remains is the $1/a^2$ from above: very large first
# weights hardly move.
#
# ### Promise 3: some regularization
#
# In training a sample is shifted and scaled by whoever shares its batch. That is noise, with a deviation of about
# $\sigma / \sqrt m$ for batches of $m$, and noise can keep a net from learning its images by heart (overfitting, 过拟合). If
# so, more of it should regularize more. To test that and nothing else, we keep the batch of 50 and the steps, and let batch
# normalization see parts of it only: statistics of 50, or of 10, or of 5 (Hoffer et al. 2017 call these ghost batches).


# %%
assert all(width > 0 for name in NETS for width in widths[name])


def ghost(part):
    """Batch normalization that takes its statistics over `part` samples at a time."""

    class Ghost(nn.BatchNorm1D):
        def forward(self, x):
            parts = x.split(len(x) // part) if self.training else [x]
            return paddle.concat([nn.BatchNorm1D.forward(self, piece) for piece in parts])

    return Ghost


# %% tags=["nbval-ignore-output"]
kinds = {"without": None, "of 50": nn.BatchNorm1D, "of 10": ghost(10), "of 5": ghost(5)}
ends = {name: [] for name in kinds}  # of each run: accuracy on the images learned, and on test images
for seed in seeds:
    digits = few_digits(seed, 500)
    for name, norm in kinds.items():
        net = learn(mlp(seed, norm), seed, digits, run.pick(full=25, quick=6), lr=0.1)
        ends[name].append([judge(net, digits)[1], judge(net, test)[1]])
gaps = {name: -np.diff(ends[name])[:, 0] for name in kinds}
print(record("BN of 50 minus none: training minus test accuracy (points)", gaps["of 50"] - gaps["without"]))
print(record("BN of 10 minus BN of 50: training minus test accuracy (points)", gaps["of 10"] - gaps["of 50"]))
plotting.interval_bars(
    {f"statistics {name}" if norm else name: metrics.mean_interval(gaps[name]) for name, norm in kinds.items()},
    "Further left is better: does normalization, or its noise, close the gap?",
    xlabel="training minus test accuracy in points (95 % interval)",
)
plt.show()

# %% [markdown]
# The two printed differences answer two questions. In the first, the nets differ in more than noise: normalization makes
# learning faster, and that may include learning by heart. The second changes nothing but the noise. A promise kept shows
# as an interval below 0; above 0 is the opposite, and one that holds 0 is no effect seen at this size. The notes say "to
# some degree", and the paper saw it in a large net on a million photographs, where it could leave dropout out.
#
# ## 5 Why does it help?
#
# Ioffe & Szegedy thought that a layer learns better if the distribution of its inputs does not drift. Santurkar et al.
# (2018) added a drift on purpose, after the normalization, and the net learned nearly as well as without it. They propose another
# reason: the error surface becomes smoother, so that the gradient at one place still tells the truth a step further on.
#
# We can measure that as they did. At every few steps of training we stop, walk along the negative gradient as far as half a
# step, one, two and four steps, and note the loss and the gradient $g'$ there. If the surface is smooth, the loss goes on
# falling and $\lVert g' - g \rVert / \lVert g \rVert$, the relative change of the gradient, stays small.


# %%
assert all(len(gap) == len(seeds) for gap in gaps.values())


def slopes_at(net, x, t):
    """Loss, and its slopes for all weights as one vector."""
    net.clear_gradients()
    loss = F.cross_entropy(net(x), t)
    loss.backward()
    return loss.item(), np.concatenate([w.grad.numpy().ravel() for w in net.parameters() if not w.stop_gradient])


def look_along(net, x, t, distances):
    """Losses, and relative changes of the gradient, at w - distance * g; the weights are put back."""
    _, g = slopes_at(net, x, t)
    weights = [w for w in net.parameters() if not w.stop_gradient]  # not the running statistics
    kept = [(w.numpy(), w.grad.numpy()) for w in weights]
    seen = []
    for distance in (*distances, 0):
        for w, (value, slope) in zip(weights, kept):
            w.set_value(value - distance * slope)
        loss, there = slopes_at(net, x, t)
        seen.append((loss, np.linalg.norm(there - g) / np.linalg.norm(g)))
    return np.array(seen[:-1]).T  # [2, distances]


# %% [markdown]
# **Predict first:** both nets learn at the rate 0.1. Which one's loss jumps when a step is four times as long as that?

# %% tags=["nbval-ignore-output"]
every, distances = 4, [0.05, 0.1, 0.2, 0.4]
views = {name: [] for name in NETS}
for name, norm in NETS.items():
    for seed in seeds:
        net, seen, digits = mlp(seed, norm), [], few_digits(seed)
        optimizer = paddle.optimizer.SGD(0.1, parameters=net.parameters())
        order = np.random.default_rng(seed).permutation(digits.size)
        for step in range(run.pick(full=112, quick=28)):
            rows = np.take(order, range(50 * step, 50 * step + 50), mode="wrap")
            x, t = paddle.to_tensor(digits.images[rows].astype("float32") / 255), paddle.to_tensor(digits.labels[rows])
            if step % every == 0:
                seen.append(look_along(net, x, t, distances))
            slopes_at(net, x, t)
            optimizer.step()
        views[name].append(seen)
views = {name: np.array(seen) for name, seen in views.items()}  # [seeds, looks, 2, distances]
worst = {name: np.median(seen[:, :, 1].max(axis=-1), axis=1) for name, seen in views.items()}
print("largest relative change of the gradient within four steps, median over training:")
print({name: round(float(values.mean()), 2) for name, values in worst.items()})
print(record("BN minus none: relative change of the gradient", worst["with BN"] - worst["without"]))

# %%
assert all(seen.shape[2:] == (2, 4) for seen in views.values())
figure, axes = plt.subplots(1, 2, figsize=(9, 3.8))
for axis, k, label in zip(axes, (0, 1), ("loss", "relative change of the gradient")):
    for name, seen in views.items():
        part = seen[:, :, k]  # [seeds, looks, distances]
        low, middle, high = (pick(axis=-1).mean(axis=0) for pick in (part.min, part.mean, part.max))
        steps = every * np.arange(len(low))
        (line,) = axis.plot(steps, middle, label=name)
        axis.fill_between(steps, low, high, color=line.get_color(), alpha=0.25, linewidth=0)
    axis.set(xlabel="step of training", ylabel=label, ylim=(0, None))
axes[0].legend()
figure.suptitle("Half a step to four steps along the gradient: how much changes?", x=0.01, ha="left", fontsize=14)
plt.show()

# %% [markdown]
# A band reaches from the smallest to the largest value along the walk, averaged over the seeds; the line is the mean along
# the walk. A wide band says that the gradient is good for a short way only, and then a large learning rate must fail. Both
# nets learn at the same rate, so the comparison is about the surface and not about the rate. It does not prove that
# smoothness is the whole reason.
#
# ### Before the bend or after it?
#
# The paper normalizes $x W + b$, before the activation (激活函数); others put it after. For the sigmoid
# $1 / (1 + e^{-x})$ the place is said to matter: it is steep only near 0, and normalization before it brings the values there.

# %% tags=["nbval-ignore-output"]
orders = {"none": dict(), "before": dict(norm=nn.BatchNorm1D), "after": dict(norm=nn.BatchNorm1D, after=True)}
by_order = {}
for bend in (nn.ReLU, nn.Sigmoid):
    for place, arguments in orders.items():
        row = by_order[f"{bend.__name__}, {place}"] = []
        for seed in seeds:
            row.append(judge(learn(mlp(seed, bend=bend, **arguments), seed, few_digits(seed), epochs, lr=0.1), test)[1])
for bend in ("ReLU", "Sigmoid"):
    difference = np.subtract(by_order[f"{bend}, before"], by_order[f"{bend}, after"])
    print(record(f"BN before minus after {bend}: test accuracy (points)", difference))
plotting.interval_bars(
    {name: metrics.mean_interval(row) for name, row in by_order.items()},
    "It matters whether to normalize, more than where",
    xlabel="test accuracy in % (95 % interval; dashed: chance)",
    marks=[10],
)
plt.show()

# %% [markdown]
# Compare two distances: from no normalization to any, and from before to after. For four layers of sigmoids the first is the
# whole difference between learning and guessing in so few steps: each layer multiplies the gradient by at most a quarter
# (chapter 03), unless something restores the scale.
#
# ## 6 When does it break?
#
# ### Small batches
#
# **Predict first:** what does batch normalization make of a batch of one sample $[1, C]$? And of two?

# %% tags=["nbval-ignore-output"]
assert all(len(row) == len(seeds) for row in by_order.values())
beta, start = np.array([5.0, 6, 7]), (np.zeros(3), np.ones(3))
one, two = rng.normal(size=(1, 3)), rng.normal(size=(2, 3))
print("a batch of one:", batch_norm(one, np.ones(3), beta, start)[0].tolist(), "which is beta")
print("its gradient:  ", np.abs(batch_norm_gradient(one, np.ones(3), one)[0]).tolist())
signs = np.sign(two - two.mean(axis=0))
assert close(batch_norm(two, np.ones(3), beta, start, eps=0)[0], beta + signs, 1e-9)
print("a batch of two: beta plus or minus one, by which of the two is larger: True")
layer = nn.BatchNorm1D(3)
layer.bias.set_value(paddle.to_tensor(beta.astype("float32")))
y = layer(paddle.to_tensor(one.astype("float32"))).numpy()
print("Paddle on a batch of one, training: its input comes back:", bool(np.allclose(y, one)))
print("gamma and beta were used:", bool(not np.allclose(y, one)), "- running mean:", layer._mean.numpy().tolist())

# %% [markdown]
# One sample is its own mean, so nothing of it is left and no gradient passes. (Paddle on a CPU sees that case coming and
# skips the layer, without a warning: the net that learns is then not the net that you wrote.) Of two samples only the order
# is left, in each channel. With four or eight, the statistics are there but noisy.
#
# So accuracy should depend on the batch size. All runs below see the same number of images. The learning rate grows with
# the batch, $0.002$ for each sample in it, so that the same images move the weights about as far. Layer normalization, whose
# turn comes below, takes its statistics within one sample.

# %% tags=["nbval-ignore-output"]
assert y.shape == one.shape
sizes = run.pick(full=[2, 4, 8, 16, 64], quick=[2, 8, 32])
norms = {"batch normalization": nn.BatchNorm1D, "layer normalization": nn.LayerNorm, "none": None}
by_size = {name: np.zeros((len(seeds), len(sizes))) for name in norms}
for name, norm in norms.items():
    for seed, (k, size) in ((seed, pair) for seed in seeds for pair in enumerate(sizes)):
        digits = few_digits(seed, run.pick(full=1_400, quick=700))
        net = learn(mlp(seed, norm), seed, digits, run.pick(full=2, quick=1), lr=0.002 * size, batch_size=size)
        by_size[name][seed, k] = judge(net, test)[1]
batch, layer = by_size["batch normalization"], by_size["layer normalization"]
print(record(f"BN, batches of 2 minus {sizes[-1]}: test accuracy (points)", batch[:, 0] - batch[:, -1]))
print(record("batches of 2, BN minus layer normalization: test accuracy (points)", batch[:, 0] - layer[:, 0]))
figure, axis = plt.subplots(figsize=(8, 3.6))
plotting.interval_curves(axis, sizes, {name: metrics.mean_interval(rows) for name, rows in by_size.items()}, chance=10)
axis.set(xscale="log", xticks=sizes, xticklabels=sizes, xlabel="batch size", ylabel="test accuracy in %", ylim=(0, 100))
axis.minorticks_off()
axis.set_title(
    f"Batch normalization, batches of 2 minus {sizes[-1]}: {(batch[:, 0] - batch[:, -1]).mean():+.0f} points"
)
axis.legend()
plt.show()

# %% [markdown]
# ### The forgotten `net.eval()`
#
# A new layer is in training mode, and `net.eval()` switches. Whoever forgets it gets no error: each test image is normalized
# by its neighbours, and the running statistics move on. **Predict first:** what does that cost with batches of 64 mixed
# digits? And with 64 images of the same digit, as a sorted folder gives them?


# %% tags=["nbval-ignore-output"]
assert all(np.isfinite(rows).all() for rows in by_size.values())


def forgotten(net, split, size, order):
    """Accuracy in % in training mode, and in evaluation mode after that; the net is put back."""
    kept = {name: value.numpy() for name, value in net.state_dict().items()}
    x = paddle.to_tensor(split.images[order]).astype("float32") / 255
    net.train()
    with paddle.no_grad():
        logits = [net(x[first : first + size]).numpy() for first in range(0, len(order) - size + 1, size)]
    logits = np.concatenate(logits)
    after = judge(net, split)[1]
    net.set_state_dict(kept)
    return 100 * metrics.accuracy(logits, split.labels[order][: len(logits)]), after


rows = {"with net.eval()": []}
for seed in seeds:
    net = learn(mlp(seed, nn.BatchNorm1D), seed, few_digits(seed), epochs, lr=0.3)
    rows["with net.eval()"].append(judge(net, test)[1])
    for label, order in (("mixed", np.arange(test.size)), ("sorted by digit", np.argsort(test.labels, kind="stable"))):
        for size in (64, 8, 2):
            training, after = forgotten(net, test, size, order)
            rows.setdefault(f"forgotten, {label}, batches of {size}", []).append(training)
    rows.setdefault("net.eval(), but after the last of these", []).append(after)

# %% tags=["nbval-ignore-output"]
assert all(len(row) == len(seeds) for row in rows.values())
names = list(rows)
for name in (names[2], names[4], names[-1]):
    print(record(f"{name}, minus the right way: accuracy (points)", np.subtract(rows[name], rows[names[0]])))
plotting.interval_bars(
    {name: metrics.mean_interval(row) for name, row in rows.items()},
    "Without net.eval(), the neighbours in the batch decide",
    xlabel="test accuracy in % (95 % interval; dashed: chance)",
    marks=[10],
)
plt.show()

# %% [markdown]
# Sorted images are the trap: within a batch of one digit, the mean that is subtracted *is* the digit. The last line is the
# other damage: the running statistics have followed the sorted images, so even the right mode answers worse afterwards, and
# a file saved now would keep that.
#
# ### Other sets to normalize over
#
# For maps $x\,[N, C, H, W]$ the same formula serves with other sets of values:
#
# - **Layer normalization** (层归一化, Ba et al. 2016): all values of one sample.
# - **Group normalization** (组归一化, Wu & He 2018): one sample, a group of neighbouring channels.
# - **Instance normalization** (实例归一化, Ulyanov et al. 2016): one sample, one channel.
#
# None needs other samples, so none has running statistics or a second mode. To see the sets, we change one value of sample
# 1, channel 2, and ask which outputs notice.

# %%
assert all(0 <= value <= 100 for row in rows.values() for value in row)
x = rng.normal(2, 3, (4, 6, 3, 3))
one, zero, whole = np.ones(6), np.zeros(6), np.ones(x.shape[1:])
native = dict(weight=paddle.to_tensor(one), bias=paddle.to_tensor(zero))
flat = [paddle.to_tensor(values.ravel()) for values in (whole, 0 * whole)]
kinds = {  # ours, and Paddle's
    "batch": (lambda x: batch_norm(x, one, zero, (zero, one))[0], nn.BatchNorm2D(6).to(dtype="float64")),
    "layer": (lambda x: ops.layer_norm(x, whole, 0 * whole), lambda x: F.layer_norm(x, x.shape[1:], *flat)),
    "group, 2 of 3": (lambda x: ops.group_norm(x, 2, one, zero), lambda x: F.group_norm(x, 2, 1e-5, **native)),
    "instance": (lambda x: ops.instance_norm(x, one, zero), lambda x: F.instance_norm(x, **native)),
}
changed, noticed = x.copy(), {}
changed[1, 2, 0, 0] += 1
for name, (ours, paddles) in kinds.items():
    assert close(ours(x), paddles(paddle.to_tensor(x)).numpy(), 1e-6)
    noticed[name] = (np.abs(ours(changed) - ours(x)) > 1e-9).any(axis=(2, 3))  # [N, C]
    print(f"{name}: equals Paddle's within 1e-6: True; {noticed[name].sum()} of 24 maps notice")
plotting.axes_of_norms(noticed, (1, 2), "Each normalizes over the coloured maps (dot: the value that was changed)")
plt.show()

# %% [markdown]
# The picture was measured, not drawn. **Try it** later: with three groups instead of two, how many maps notice?
#
# ## 7 What does dropout do to a value?
#
# Dropout (丢弃法, Hinton et al. 2012) switches values off at random while a net learns. A mask $m$ of zeros and ones, shaped
# like $x$, is drawn anew in every step; each $m_i$ is 0 with probability $p$. Dropping makes the values smaller on average,
# by the factor $1 - p$, and somebody has to make up for it. Paddle has two modes, which differ in when:
#
# | mode | in training | in evaluation |
# |:--|:--|:--|
# | `upscale_in_train` (default) | $y = m\,x / (1 - p)$ | $y = x$ |
# | `downscale_in_infer` | $y = m\,x$ | $y = (1 - p)\,x$ |
#
# Nothing in it is learned: dropout has no parameters. Below, both modes act on one mask. **Predict first:** $p$ is 0.5. Which
# numbers stand in each of the four panels below the mask?


# %%
MODES = ("upscale_in_train", "downscale_in_infer")


def dropout(x, m, p, mode, training):
    """One cell of the table; m, of zeros and ones, is shaped like x."""
    if mode == "upscale_in_train":
        return m * x / (1 - p) if training else x
    return m * x if training else (1 - p) * x


x = np.arange(1.0, 9).reshape(2, 4)
m = ops.dropout_mask(x.shape, 0.5, np.random.default_rng(1))
panels = {"the values x": x, "the mask m": m}
for training in (True, False):
    when = "training" if training else "evaluation"
    panels |= {f"{mode}\n{when}": dropout(x, m, 0.5, mode, training) for mode in MODES}
figure, axes = plt.subplots(3, 2, figsize=(8, 5.2))
for axis, (title, values) in zip(axes.flat, panels.items()):
    axis.imshow(values == 0, cmap="gray_r", vmin=0, vmax=4)
    for (i, j), value in np.ndenumerate(values):
        axis.text(j, i, f"{value:g}", ha="center", va="center")
    axis.set(xticks=[], yticks=[])
    axis.set_title(title, fontsize=12)
plt.show()

# %% [markdown]
# Grey is what was dropped. In the left column both panels hold twice the values of the right one: whoever reads this layer's
# output finds, on average, the same size in training as in evaluation, in either mode.
#
# Ours against Paddle's. Paddle draws its mask inside; where no value of $x$ is 0, a 0 in its output was dropped, and so we
# know the mask. The course notes call the second mode `downgrade_in_infer`; we try that too.

# %%
x = np.random.default_rng(0).uniform(0.5, 1.5, (40, 50)).astype("float32")
for mode in MODES:
    layer = nn.Dropout(0.3, mode=mode)
    native = layer(paddle.to_tensor(x)).numpy()
    assert close(dropout(x, native != 0, 0.3, mode, training=True), native, 1e-5)
    layer.eval()
    assert close(dropout(x, None, 0.3, mode, training=False), layer(paddle.to_tensor(x)).numpy(), 1e-5)
    print(f"{mode}: ours equals Paddle's in training and evaluation within 1e-5: True")
wrong = nn.Dropout(0.5, mode="downgrade_in_infer")
print("the layer with the notes' name is built;", end=" ")
try:
    wrong(paddle.ones([1, 2]))
except ValueError as error:
    print("when called:", error)

# %% [markdown]
# ### The mean is kept
#
# $m_i$ is 1 with probability $1 - p$, so the mean over masks is $\operatorname{E}[m_i x_i / (1 - p)] = x_i$. One mask is far
# from that mean: with $p = 0.5$ a value is either 0 or doubled. The relative deviation of one value is
# $\sqrt{p / (1 - p)}$, and of its mean over $n$ masks $\sqrt{p / (1 - p) / n}$.
#
# **Predict first:** how many masks bring a single value to within 1 %, one standard deviation, at $p = 0.5$?

# %%
p, n = 0.5, np.arange(1, 10_001)
x = np.random.default_rng(1).uniform(0.5, 1.5, 64)
everyone = np.broadcast_to(x, (len(n), 64))
masks = ops.dropout_mask(everyone.shape, p, np.random.default_rng(2))  # 10,000 masks of 64 values
for mode in MODES:
    mean, expected = (dropout(everyone, masks, p, mode, training).mean() for training in (True, False))
    assert abs(mean / expected - 1) < 0.01
    print(f"{mode}: mean over 10,000 masks equals evaluation within 1 %: True")
band = 1.96 * np.sqrt(p / (1 - p) / n)
figure, axis = plt.subplots(figsize=(8, 3))
axis.fill_between(n, 1 - band, 1 + band, color="0.88", label="95 % of values lie here, by the formula")
averages = np.cumsum(dropout(everyone, masks, p, MODES[0], True)[:, :4], axis=0) / n[:, None]
axis.plot(n, averages / x[:4], linewidth=1.2)
axis.axhline(1, color="black", linewidth=1, linestyle=":")
axis.set(xscale="log", ylim=(0, 2), xlabel="masks averaged (log scale)", ylabel="mean / value in evaluation")
axis.set_title("Four values: right on average, far off in any one step")
axis.legend()
plt.show()

# %% [markdown]
# $\sqrt{1 / n} = 0.01$ at $n = 10{,}000$ masks. So the mean survives, also through sums. Behind a bend it does not: ReLU of a
# number that jitters around 0 is positive half of the time, on average above ReLU of the mean. There evaluation only
# approximates the mean over all masks; how well, section 8 measures. **Move it yourself:** draw masks and follow one neuron
# while its mean comes to what evaluation gives:

# %% tags=["demo", "nbval-ignore-output"]
demos.show("dropout")

# %% [markdown]
# ### The variance is not: what batch normalization sees
#
# Let $x$ have mean $\mu$ and variance $\sigma^2$. In training (`upscale_in_train`), since $m^2 = m$,
#
# $$\operatorname{Var}[y] = \frac{\operatorname{E}[x^2]}{1 - p} - \mu^2 = \frac{\sigma^2 + \mu^2}{1 - p} - \mu^2$$
#
# In evaluation $y = x$, with variance $\sigma^2$. **Predict first:** $x$ comes out of a ReLU and $p = 0.5$. Is the variance in
# training less than twice, twice, or more than twice that in evaluation?

# %%
x = np.maximum(np.random.default_rng(2).standard_normal(200_000), 0)  # a ReLU layer's output
drops = np.linspace(0, 0.8, 9)
seen = np.array([ops.dropout(x, q, generator=np.random.default_rng(7)).var() for q in drops])
formula = (x.var() + x.mean() ** 2) / (1 - drops) - x.mean() ** 2
assert close(seen, formula, 0.03)
print("measured and formula agree within 3 %: True")
print(f"p = 0.5: training {seen[5] / x.var():.1f} times evaluation")
figure, axis = plt.subplots(figsize=(8, 2.8))
axis.plot(drops, formula / x.var(), label="formula")
axis.plot(drops, seen / x.var(), "o", color="C0", label="measured, 200,000 values")
axis.axhline(1, color="C1", linestyle="--", label="evaluation")
axis.set(xlabel="p", ylabel="variance / evaluation's", ylim=(0, None))
axis.set_title("Dropout widens what the next layer sees, in training only")
axis.legend()
plt.show()

# %% [markdown]
# Batch normalization right behind dropout keeps a running variance of what it sees in training and divides by it in
# evaluation, where the spread is smaller. Li et al. (2019) call this the variance shift. We let such a net learn, and then
# estimate its running statistics once more with dropout switched off, one of the remedies that the paper tries. The weights stay.


# %%
def shift_net(seed):
    """Two hidden layers, each followed by ReLU, dropout and batch normalization."""
    paddle.seed(run.seed + seed)
    blocks = []
    for inputs in (784, 256):
        blocks += [nn.Linear(inputs, 256), nn.ReLU(), nn.Dropout(0.5), nn.BatchNorm1D(256)]
    return nn.Sequential(nn.Flatten(), *blocks, nn.Linear(256, 10))


def estimate_again(net, split):
    """Running statistics anew, from these images without dropout; 0.9**60 leaves 0.2 % of the old ones."""
    for layer in net:
        layer.train() if isinstance(layer, nn.BatchNorm1D) else layer.eval()
    with paddle.no_grad():
        for _ in range(60):
            net(paddle.to_tensor(split.images).astype("float32") / 255)


def learn_adam(net, seed, digits, epochs, callbacks=()):
    """`learn` by Adam (chapter 05), which needs fewer steps than plain gradient descent."""
    return learn(net, seed, digits, epochs, 1e-3, paddle.optimizer.Adam, callbacks=callbacks)


# %% tags=["nbval-ignore-output"]
shift, gain, ages = [], [], run.pick(full=20, quick=6)
for seed in seeds:
    digits = few_digits(seed, 500)
    net = learn_adam(shift_net(seed), seed, digits, ages)
    norm, before = net[8], judge(net, test)  # the second of the two
    promised = norm._variance.numpy()
    estimate_again(net, digits)
    shift.append(np.median(norm._variance.numpy() / np.maximum(promised, 1e-12)))
    gain.append(np.subtract(judge(net, test), before))
low, mean, high = metrics.mean_interval(shift)
print(f"variance in evaluation / in training, median neuron: {mean:.2f} [{low:.2f}, {high:.2f}]")
print(record("BN behind dropout, statistics estimated again: test accuracy (points)", np.array(gain)[:, 1]))
low, mean, high = metrics.mean_interval(np.array(gain)[:, 0])
print(f"its test loss changes by {mean:+.3f} [{low:+.3f}, {high:+.3f}]")

# %% [markdown]
# That the shift exists follows from the formula. What it costs is a matter of the net and the data: the last two lines say it
# for these, and loss and accuracy need not agree. A running variance that is too large makes the logits too small, and too
# small means less sure, which may even lower the loss of a net that is surer than it is right.
#
# The way out costs nothing: put dropout behind the last batch normalization, or use only one of the two.
#
# ## 8 Does dropout fight overfitting?
#
# A net with many times more parameters than images can learn its images by heart. Dropout forbids a neuron to rely
# on one particular other neuron, since that one may be absent (*co-adaptation* in the paper of 2012). The same net learns
# with and without it, from 500 digits. Training accuracy is measured in evaluation mode, or we would see the dropped
# neurons instead of the net.
#
# **Predict first:** four curves of the loss are coming. Which falls lowest? Which rises again?


# %% tags=["nbval-ignore-output"]
def drop_run(p, seed):
    """A trained net, and by epoch [training loss, training accuracy, test loss, test accuracy]."""
    paddle.seed(run.seed + seed)
    net = nn.Sequential(
        *(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Dropout(p)),
        *(nn.Linear(256, 256), nn.ReLU(), nn.Dropout(p), nn.Linear(256, 10)),
    )
    digits, rows = few_digits(seed, 500), []
    look = lambda trainer, history: rows.append([*judge(net, digits), *judge(net, test)])  # noqa: E731
    return learn_adam(net, seed, digits, run.pick(full=40, quick=12), [look]), np.array(rows)


assert all(0 < ratio < 1 for ratio in shift)  # the formula says it
drop_runs = {p: [drop_run(p, seed) for seed in seeds] for p in (0.0, 0.5)}
curves = {p: np.stack([rows for _, rows in drop_runs[p]]) for p in drop_runs}  # [seeds, epochs, 4]
final = curves[0.5][:, -1] - curves[0.0][:, -1]
print(f"500 digits, {len(seeds)} seeds, last epoch; with dropout minus without:")
print(record("dropout minus none: training minus test accuracy (points)", final[:, 1] - final[:, 3]))
print(record("dropout minus none: test accuracy (points)", final[:, 3]))
print(record("dropout minus none: test loss", final[:, 2]))

# %%
assert np.all(curves[0.0][:, -1, 0] < curves[0.0][:, -1, 2])  # what was learned by heart has the lower loss
figure, axes = plt.subplots(1, 2, figsize=(9, 3.8))
count = 1 + np.arange(curves[0.0].shape[1])
for p, colour, name in ((0.0, "C1", "without dropout"), (0.5, "C0", "with dropout")):
    for column, part, line in ((0, "training", ":"), (2, "test", "-")):
        for axis, offset in zip(axes, (0, 1)):
            low, mean, high = metrics.mean_interval(curves[p][:, :, column + offset])
            axis.plot(count, mean, line, color=colour, label=f"{part}, {name}")
            axis.fill_between(count, np.maximum(low, 1e-3), high, color=colour, alpha=0.2, linewidth=0)
axes[0].set(xlabel="epoch", ylabel="cross entropy", yscale="log", ylim=(1e-3, None))
axes[0].set_title("Loss: falling is not learning")
axes[1].set(xlabel="epoch", ylabel="accuracy in %", ylim=(0, 101))
axes[1].set_title("Accuracy (grey: chance)")
axes[1].axhline(10, color="0.6", linewidth=1)
axes[1].legend(loc="center right")
plt.show()

# %% [markdown]
# Bands are 95 % intervals over the seeds, for this one set of test images. A dotted curve that runs away from the solid one
# of its colour is overfitting. How much dropout narrows it, and whether test accuracy gains, stands above with its
# interval. Dropout also slows learning down: every step trains a part of the net only.
#
# ### Is it an ensemble?
#
# With $n$ neurons that may be absent, a mask picks one of $2^n$ thinned nets, which share their weights. Evaluation, with
# all neurons present, is said to approximate the average of them all. We can look at single ones: fix one mask for all test
# images, as if the dropped neurons did not exist. **Predict first:** half of the neurons are gone. How far does one thinned
# net fall below the whole?


# %% tags=["nbval-ignore-output"]
def thinned(net, x, generator, p=0.5):
    """Probabilities [N, 10] of one thinned net: one mask a layer, the same for all images."""
    _, first, _, _, second, _, _, output = net
    h = x.flatten(1)
    for layer in (first, second):
        h = F.relu(layer(h))
        h = ops.dropout(h, p, mask=ops.dropout_mask([1, h.shape[1]], p, generator))  # the same columns in every row
    return F.softmax(output(h)).numpy()


members, x = run.pick(full=50, quick=10), paddle.to_tensor(test.images).astype("float32") / 255
single, averaged, whole = [], [], []  # accuracies: [seeds, masks] twice, and [seeds, 1]
for seed, (net, _) in zip(seeds, drop_runs[0.5]):
    generator = np.random.default_rng([run.seed, seed])
    with evaluating(net):
        chances = np.stack([thinned(net, x, generator) for _ in range(members)])  # [masks, N, 10]
    sums = np.cumsum(chances, axis=0)
    for accuracies, votes in ((single, chances), (averaged, sums)):
        accuracies.append(100 * (votes.argmax(axis=-1) == test.labels).mean(axis=-1))
    whole.append([judge(net, test)[1]])
single, averaged, whole = map(np.array, (single, averaged, whole))
print(f"one thinned net: {single.mean():.1f} % right, {single.std(axis=1).mean():.1f} points deviation over masks")
print(record("many thinned nets averaged, minus one: accuracy (points)", averaged[:, -1] - single.mean(axis=1)))
print(record("many thinned nets averaged, minus all neurons (points)", (averaged - whole)[:, -1]))

# %%
assert single.shape == averaged.shape == (len(seeds), members)
figure, axes = plt.subplots(1, 2, figsize=(9, 3.5))
axes[0].hist((single - whole).ravel(), bins=20)
axes[0].axvline(0, color="C1", linestyle="--")
axes[0].set(xlabel="points from all neurons (dashed)", ylabel="thinned nets")
axes[0].set_title("One mask each")
curve = {"average of thinned nets": metrics.mean_interval(averaged - whole)}
plotting.interval_curves(axes[1], np.arange(1, members + 1), curve)
axes[1].axhline(0, color="C1", linestyle="--", label="all neurons, once")
axes[1].set(xlabel="thinned nets averaged", ylabel="points of accuracy")
axes[1].set_title("Averaged, near to all neurons")
axes[1].legend(loc="lower right")
plt.show()

# %% [markdown]
# Evaluation asks one net once, at the price of one; the printed difference says how near it comes to the average of many. An
# average is also the steadier the more it averages, which the narrowing band shows.
#
# ### What should be dropped in a convolution?
#
# Neighbours in a feature map are alike, so a net may guess a dropped pixel from those around it.
# `nn.Dropout2D` drops whole maps (Tompson et al. 2015): one draw for each image and channel, a mask $[N, C, 1, 1]$ for maps
# $[N, C, H, W]$. **Predict first:** does a small net that has only 16 and 32 maps gain from losing half of them?


# %% tags=["nbval-ignore-output"]
def map_net(seed, drop, p):
    """Two convolutions with dropout behind each ReLU, and a linear layer."""
    paddle.seed(run.seed + seed)
    layers = []
    for inputs, outputs in ((1, 16), (16, 32)):
        layers += [nn.Conv2D(inputs, outputs, 3, padding=1), nn.ReLU(), drop(p), nn.MaxPool2D(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * 7 * 7, 10))


kinds = {"nothing": (nn.Dropout, 0.0), "pixels": (nn.Dropout, 0.5), "whole maps": (nn.Dropout2D, 0.5)}
by_kind = {name: [] for name in kinds}
for seed in seeds:
    for name, kind in kinds.items():
        net = learn_adam(map_net(seed, *kind), seed, few_digits(seed, 500), run.pick(full=15, quick=3))
        by_kind[name].append(judge(net, test)[1])
for name in ("pixels", "whole maps"):
    difference = np.subtract(by_kind[name], by_kind["nothing"])
    print(record(f"dropping {name} minus nothing: test accuracy (points)", difference))

# %%
assert all(len(row) == len(seeds) for row in by_kind.values())
maps = paddle.ones([1, 6, 2, 2])
y = nn.Dropout2D(0.5)(maps).numpy()
assert np.array_equal(ops.dropout(maps.numpy(), 0.5, mask=y[:, :, :1, :1] != 0), y)
print("Paddle drops or doubles each map as a whole, and ours is the same on its mask: True")
plotting.interval_bars(
    {f"dropping {name}": metrics.mean_interval(row) for name, row in by_kind.items()},
    "Dropping in a small net's maps",
    xlabel="test accuracy in % (95 % interval)",
)
plt.show()

# %% [markdown]
# The paper of 2015 used whole maps in large nets. What it does in this small one the printed differences say, each with its
# interval. Many nets of today use batch normalization between convolutions and keep dropout for the linear end.
#
# ## Recap
#
# Differences are means over the seeds of section 4, with their 95 % intervals. "0 is possible" means: not seen at this size.

# %% tags=["nbval-ignore-output"]
for name, (low, mean, high) in measured.items():
    print(f"{mean:+7.2f} [{low:+7.2f}, {high:+7.2f}] {name}{', 0 is possible' if low <= 0 <= high else ''}")

# %% [markdown]
# ## Where the course notes differ

# %%
assert all(low <= mean <= high for low, mean, high in measured.values())
errata.table("04_batchnorm_and_dropout")

# %% [markdown]
# ## To check yourself
#
# The questions A to G are those of the notes on the summer camp. Each opens to its answer.
#
# <details><summary>A. The error surface is rugged. Can the mountains be levelled?</summary>Normalization is one way: of the
# inputs before the first layer, of a batch's values between layers. Section 1 shows it on two weights, section 5 measures
# it on a net.</details>
#
# <details><summary>B. Where do very different slopes for two weights come from?</summary>From inputs of different size.
# The slope for a weight is its input times what arrives from behind, so a large input makes a steep direction.</details>
#
# <details><summary>C. How do different inputs get the same range?</summary>By feature normalization: subtract each input's
# mean, divide by its standard deviation. It is one way of several.</details>
#
# <details><summary>D. Before the activation function or after it?</summary>In practice the difference is small; for a
# sigmoid, before is recommended, where its slope is large. Section 5 compares the two, with intervals.</details>
#
# <details><summary>E. How are the values between layers normalized?</summary>Channel by channel, by the mean and the
# variance of the batch, then scaled by γ and moved by β, which are learned and begin at 1 and 0.</details>
#
# <details><summary>F. In testing there is no batch. Where do mean and deviation come from?</summary>From moving averages,
# kept in training and frozen by <code>net.eval()</code>.</details>
#
# <details><summary>G. Why does batch normalization help?</summary>It changes the error surface: the gradient holds for a
# longer way (Santurkar et al. 2018). That it works was found first, and explained later.</details>
#
# <details><summary>Why does a layer before batch normalization need no bias?</summary>What it adds to all samples, the
# mean takes away; its slope is 0, and β does its work.</details>
#
# <details><summary>Why may dropout and batch normalization disagree?</summary>Dropout widens the values in training only,
# so the running variance is too large for evaluation.</details>
#
# ## Try it
#
# 1. In section 1, let $x_2$ be the number of steps of stairs, twenty a floor. What are the condition number and the steps now?
# 2. Set $\gamma$ of the last hidden layer to 0 at the start. Does the net still learn? What does its first step do?
# 3. Put layer normalization into the sweep of learning rates. Which of the promises needs the batch at all?
# 4. Train with dropout on all digits instead of 500. Is it worth its time there?
#
# **Next:** [chapter 05](05_losses_and_optimizers.ipynb) looks at the other two parts of every step that we took here: the loss, and the rule that moves the
# weights.
#
# **Homework:** [homework 3](homework/hw3_activation_norm_dropout.ipynb).
#
# ## References
#
# - S. Ioffe, C. Szegedy, *Batch normalization: accelerating deep network training by reducing internal covariate shift*,
#   ICML 2015.
# - S. Santurkar, D. Tsipras, A. Ilyas, A. Mądry, *How does batch normalization help optimization?*, NeurIPS 2018.
# - J. L. Ba, J. R. Kiros, G. E. Hinton, *Layer normalization*, 2016.
# - D. Ulyanov, A. Vedaldi, V. Lempitsky, *Instance normalization: the missing ingredient for fast stylization*, 2016.
# - Y. Wu, K. He, *Group normalization*, ECCV 2018.
# - E. Hoffer, I. Hubara, D. Soudry, *Train longer, generalize better: closing the generalization gap in large batch training
#   of neural networks*, NIPS 2017.
# - G. E. Hinton, N. Srivastava, A. Krizhevsky, I. Sutskever, R. Salakhutdinov, *Improving neural networks by preventing
#   co-adaptation of feature detectors*, 2012.
# - N. Srivastava et al., *Dropout: a simple way to prevent neural networks from overfitting*, JMLR 15, 2014.
# - J. Tompson, R. Goroshin, A. Jain, Y. LeCun, C. Bregler, *Efficient object localization using convolutional networks*,
#   CVPR 2015.
# - X. Li, S. Chen, X. Hu, J. Yang, *Understanding the disharmony between dropout and batch normalization by variance shift*,
#   CVPR 2019.
# - Student, *The probable error of a mean*, Biometrika 6, 1908.
