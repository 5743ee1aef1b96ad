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
from collections import defaultdict
from contextlib import suppress

import matplotlib.pyplot as plt
import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn

from course_utils import datasets, demos, errata, metrics, ops, plotting
from course_utils.errors import CourseError
from course_utils.modes import evaluating
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
# At the distance $e$ from the lowest point, along one of these two directions, the slope is $\lambda e$, so a step multiplies
# the distance by $1 - \eta\lambda$. If $\eta$ exceeds $2 / \lambda_{\max}$, the distance across the valley grows from step to
# step; with so small an $\eta$ the way along the valley is slow. The best compromise is
# $\eta = 2 / (\lambda_{\min} + \lambda_{\max})$: each step leaves $(\kappa - 1) / (\kappa + 1)$ of both distances, where
# $\kappa = \lambda_{\max} / \lambda_{\min}$ is the condition number (条件数). A round bowl has $\kappa = 1$.
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
# How far may the running mean be trusted? Below, one neuron's values have the mean 2 and the standard deviation 3, and
# batches of three sizes pass. The mean of a batch of $m$ scatters by $\sigma / \sqrt m$. The start at 0 still counts
# $\alpha^k$ after $k$ batches; when it is forgotten, the running mean is as steady as a plain mean of
# $(1 + \alpha) / (1 - \alpha) = 19$ batches.

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
# its own $y_i$ alone. Write $s = \sqrt{\sigma^2 + \varepsilon}$. If $x_i$ grows, $\mu$ grows by $1 / m$ of that and $s$ by
# $\hat x_i / m$, so
#
# $$\frac{\partial \hat x_j}{\partial x_i} = \frac{1}{s}\Big( [i = j] - \frac1m - \frac{\hat x_i \hat x_j}{m} \Big)$$
#
# where $[i = j]$ is 1 for $i = j$ and else 0. From behind arrive the slopes $g_j$ of the net's loss for each $y_j$. Times
# $\gamma$ and summed over $j$ they give the slopes for $x$, $\gamma$ and $\beta$:
#
# $$\frac{\gamma}{s}\Big( g_i - \frac1m \sum_j g_j - \hat x_i\, \frac1m \sum_j g_j \hat x_j \Big)
# \qquad \sum_j g_j \hat x_j \qquad \sum_j g_j$$
#
# **Predict first:** a layer $x W + b$ stands before batch normalization. What is the gradient of its bias $b$? And what
# becomes of the gradient if all that batch normalization reads is 100 times as large?


# %%
def batch_norm_gradient(x, gamma, g, eps=1e-5):
    """Slopes for x [N, C], gamma and beta [C], from the slopes g [N, C] for y."""
    s = np.sqrt(x.var(axis=0) + eps)  # [C]
    x_hat = (x - x.mean(axis=0)) / s
    of_gamma, of_beta = (g * x_hat).sum(axis=0), g.sum(axis=0)
    return gamma / s * (g - of_beta / len(x) - x_hat * of_gamma / len(x)), of_gamma, of_beta


x, g, gamma = rng.normal(2, 3, (8, 3)), rng.normal(size=(8, 3)), rng.uniform(0.5, 2, 3)
ours = batch_norm_gradient(x, gamma, g)
leaves = [paddle.to_tensor(array, stop_gradient=False) for array in (x, gamma, np.zeros(3))]
moved = paddle.zeros([3], "float64"), paddle.ones([3], "float64")
(F.batch_norm(leaves[0], *moved, *leaves[1:], training=True) * paddle.to_tensor(g)).sum().backward()
for name, slope, tensor in zip(("x", "gamma", "beta"), ours, leaves):
    same = close(slope, tensor.grad.numpy(), 1e-9)
    assert same
    print(f"slopes for {name:5} {list(slope.shape)} equal Paddle's within 1e-9: {same}")
large, _, _ = batch_norm_gradient(100 * x, gamma, g)
assert close(100 * large, ours[0], 1e-4)
print("sum of the slopes for x in each channel is 0 within 1e-9:", bool(np.abs(ours[0].sum(axis=0)).max() < 1e-9))
print("x times 100: the slopes are divided by 100 within 1e-4: True")

# %% [markdown]
# The last two lines are the answers. $b$ is added to all samples, so its slope is the sum over the batch, which is 0: batch
# normalization subtracts whatever $b$ adds. A layer right before it needs no bias ($\beta$ takes its place), and many nets
# leave it out with `bias_attr=False`.
#
# In the bracket, $g$ loses its mean and its part along $\hat x$. A shift of all $x_i$, or a stretch, changes no $y$, so a
# gradient in those two directions would promise what cannot happen.
#
# ## 4 Does it keep its three promises?
#
# The course notes name three effects of batch normalization (BN for short): a larger learning rate is possible, the first
# weights matter less, and overfitting is restrained to some degree. Each is tried below on a net that learns from a few
# digits. The `Trainer` takes the steps and lowers the cross entropy (交叉熵), a loss that is small where the net is sure of
# the right digit; chapter 06 explains both.

# %% tags=["nbval-ignore-output"]
data = datasets.digits()
test = data.test.take(run.pick(full=2_000, quick=300))
seeds = range(run.pick(full=6, quick=3))
digits = [data.train.stratified(1_400, run.seed + seed)[1] for seed in seeds]  # each seed learns from images of its own
print(f"{data.source}; test images: {test.size:,}, seeds: {len(seeds)}")


def tensors(split):
    return paddle.to_tensor(split.images).astype("float32") / 255, paddle.to_tensor(split.labels)


def judge(net, split):
    """Loss and accuracy in % in evaluation mode."""
    x, t = tensors(split)
    with evaluating(net):
        logits = net(x)
    return F.cross_entropy(logits, t).item(), 100 * metrics.accuracy(logits.numpy(), split.labels)


# %% [markdown]
# The net has four hidden layers of 64 neurons, each followed by an activation function (激活函数), here ReLU,
# $\max(0, x)$, and where we say so with batch normalization before it.


# %%
def mlp(seed, norm=None, activation=nn.ReLU, after=False):
    """784 pixels, four hidden layers of 64, ten logits; norm(64) stands before each activation function, or after it."""
    paddle.seed(run.seed + seed)  # draws the first weights
    layers, inputs = [nn.Flatten()], 784
    for _ in range(4):
        middle = [norm(64), activation()] if norm else [activation()]
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


assert all(few.size == 1_400 for few in digits)

# %% [markdown]
# One run proves little, since first weights and the order of the images are drawn by chance. So every recipe runs with
# several seeds, and two recipes are compared seed by seed: same digits, same order. `metrics.mean_interval` gives the mean
# of the differences with its 95 % interval (Student 1908): in about 95 of 100 such experiments it holds the true mean. Where
# it holds 0, we have not seen an effect. All of it is for these test images; how much others would change an accuracy,
# chapter 06 tells.

# %%
NETS = {"with BN": nn.BatchNorm1D, "without": None}
measured = {}  # what the recap shows: name -> (low, mean, high)


def record(name, values):
    """Keep the mean over the seeds with its interval; the mean comes back."""
    measured[name] = metrics.mean_interval(values)
    return measured[name][1]


def told(name, below=", below 0", unclear=", 0 is possible", above=", above 0"):
    """One of three phrases, by where the interval of a difference lies."""
    low, _, high = measured[name]
    return above if low > 0 else below if high < 0 else unclear


def sweep(values, train):
    """Test accuracy [seeds, values] of both nets; train(norm, seed, value) gives one."""
    return {
        name: np.array([[judge(train(norm, seed, value), test)[1] for value in values] for seed in seeds])
        for name, norm in NETS.items()
    }


# %% [markdown]
# ### Promise 1: a larger learning rate
#
# Plain gradient descent, with learning rates over several decades; a decade is a factor of ten. We call a rate usable if it
# brings a net to nine tenths of the accuracy that it reaches at its best rate. **Predict first:** at which rate does the
# plain net fail, and at which the net with batch normalization?


# %%
def usable(values, accuracies):
    """For each seed, the decades (powers of ten) of the values that bring a net to nine tenths of its best accuracy."""
    return [np.log10(values[row >= 0.9 * row.max()]) for row in accuracies]


epochs = run.pick(full=5, quick=3)
rates = 10.0 ** run.pick(full=np.arange(-2.5, 1.6, 0.5), quick=np.arange(-2.0, 1.1, 1.0))
by_rate = sweep(rates, lambda norm, seed, rate: learn(mlp(seed, norm), seed, digits[seed], epochs, rate))
assert all(rows.max() > 20 for rows in by_rate.values())  # both learn at some rate
tops = [[found.max() for found in usable(rates, by_rate[name])] for name in NETS]
gain = 10 ** record("largest usable learning rate (decades): BN minus none", np.subtract(*tops))
figure, axis = plt.subplots(figsize=(8, 3.6))
plotting.interval_curves(axis, rates, {name: metrics.mean_interval(rows) for name, rows in by_rate.items()}, chance=10)
axis.set(xscale="log", xlabel="learning rate (log scale)", ylabel="test accuracy in %", ylim=(0, 100))
axis.set_title(f"Normalized, the net can take {gain:.0f} times the learning rate")
axis.legend()
plt.show()

# %% [markdown]
# Bands are 95 % intervals of the mean over the seeds. (The recap writes the interval of the difference; one without a width
# says that every seed ended at the same rates of this coarse grid.)
#
# **Move it yourself:** smaller nets, which tell two spirals apart, at a rate and with batches that you choose:

# %% tags=["demo", "nbval-ignore-output"]
demos.show("batch_norm")

# %% [markdown]
# ### Promise 2: the first weights matter less
#
# Multiply all first weights by a factor $a$. Behind a layer with batch normalization the outputs stay as they were, since
# $\mu$ and $\sigma$ are multiplied by $a$ too, and the slopes are divided by $a$ (section 3; as long as $\varepsilon$ is small
# beside $\sigma^2$). Weights that are $a$ times as large get slopes that are $1/a$ as large, so that a step changes $1/a^2$ as
# large a share of them.
#
# **Predict first:** both nets with the learning rate 0.1, first weights from a hundredth to a hundred times the usual. Which
# end hurts which net?


# %%
def from_scaled(norm, seed, scale):
    """Trained from first weights times a scale; biases, gamma and beta as usual."""
    net = mlp(seed, norm)
    for weight in net.parameters():
        if weight.ndim == 2:
            weight.set_value(weight * scale)
    return learn(net, seed, digits[seed], epochs, lr=0.1)


scales = 10.0 ** run.pick(full=np.arange(-2, 2.1, 0.5), quick=np.arange(-2, 2.1, 1.0))
by_scale = sweep(scales, from_scaled)
assert all(rows.max() > 20 for rows in by_scale.values())
widths = [[np.ptp(found) for found in usable(scales, by_scale[name])] for name in NETS]
more = record("range of usable first weights (decades): BN minus none", np.subtract(*widths))
figure, axis = plt.subplots(figsize=(8, 3.6))
plotting.interval_curves(
    axis, scales, {name: metrics.mean_interval(rows) for name, rows in by_scale.items()}, chance=10
)
axis.set(xscale="log", xlabel="factor on all first weights (log scale)", ylabel="test accuracy in %", ylim=(0, 100))
axis.set_title(f"Normalized, the range of usable first weights is {more:.1f} decades wider")
axis.legend()
plt.show()

# %% [markdown]
# The plain net sends signals through five layers of weights, so a factor $a$ on each becomes $a^5$. With batch normalization
# only the output layer, which has none behind it, feels the factor directly. What remains is the $1/a^2$ from above: very
# large first weights hardly move.
#
# ### Promise 3: some regularization
#
# In training a sample is shifted and scaled by whoever shares its batch. That is noise, with a deviation of about
# $\sigma / \sqrt m$ for batches of $m$, and noise can keep a net from learning its images by heart (overfitting, 过拟合). If
# so, more of it should regularize more. To test that and nothing else, we keep the batch of 50 and the steps, and let batch
# normalization see parts of it only, five samples each (Hoffer et al. 2017 call these ghost batches). What is judged is the
# gap between training accuracy and test accuracy.


# %% tags=["nbval-ignore-output"]
class Ghost(nn.BatchNorm1D):
    """Batch normalization that takes its statistics over five samples at a time."""

    def forward(self, x):
        parts = x.split(len(x) // 5) if self.training else [x]
        return paddle.concat([super(Ghost, self).forward(part) for part in parts])


kinds = {"without BN": None, "statistics of 50": nn.BatchNorm1D, "statistics of 5": Ghost}
ends = {name: [] for name in kinds}  # of each seed: training accuracy, test accuracy
for seed in seeds:
    few = digits[seed].take(500)
    for name, norm in kinds.items():
        net = learn(mlp(seed, norm), seed, few, run.pick(full=25, quick=6), lr=0.1)
        ends[name].append([judge(net, few)[1], judge(net, test)[1]])
for name, pairs in ends.items():
    print(f"{name:16} training {np.mean(pairs, axis=0)[0]:5.1f} %, test {np.mean(pairs, axis=0)[1]:5.1f} %")
none, of_50, of_5 = gaps = [np.subtract(*np.transpose(pairs)) for pairs in ends.values()]
record("training minus test accuracy (points): BN minus none", of_50 - none)
record(noise := "training minus test accuracy (points): statistics of 5 minus of 50", of_5 - of_50)
how = told(noise, "narrows", "is not seen to change", "widens")
bars = {name: metrics.mean_interval(gap) for name, gap in zip(kinds, gaps)}
plotting.interval_bars(bars, f"More noise in the statistics: the gap {how}", "training minus test accuracy in points")
plt.show()

# %% [markdown]
# Two comparisons, two questions. From the first bar to the second, the nets differ in more than noise. Read both accuracies:
# a net that has not learned its own images yet has no gap to close; where all have, the gap is what they miss on test
# images. From the second bar to the third nothing changes but the noise. So this is the fair test of the promise, and the
# title says how it ended. The paper saw the effect in a large net on a million photographs, where it could leave dropout out.
#
# ## 5 Why does it help?
#
# Ioffe & Szegedy thought that a layer learns better if the distribution of its inputs does not drift. Santurkar et al.
# (2018) added a drift on purpose, after the normalization, and the net learned nearly as well as without it. They propose another
# reason: the error surface becomes smoother, so that the gradient at one place still tells the truth a step further on.
#
# We can measure that as they did. At every fourth step of training we walk along the negative gradient $g$ as far as half a
# step, one, two and four steps, and note the loss and the gradient $g'$ there. If the surface is smooth, the loss goes on
# falling and $\lVert g' - g \rVert / \lVert g \rVert$, the change of the gradient, stays small. A change of 1 is as long as
# the gradient itself: whoever walks on by $g$ does so blindly.


# %%
def slopes_at(net, x, t):
    """Loss, and its slopes for all weights as one vector."""
    net.clear_gradients()
    loss = F.cross_entropy(net(x), t)
    loss.backward()
    return loss.item(), np.concatenate([w.grad.numpy().ravel() for w in net.parameters() if not w.stop_gradient])


def walk(net, x, t, distances):
    """Loss and change of the gradient at w - distance * g, [distances, 2]; the net stays at the last one."""
    weights = [w for w in net.parameters() if not w.stop_gradient]  # not the running statistics
    _, g = slopes_at(net, x, t)
    start, seen = [(w.numpy(), w.grad.numpy()) for w in weights], []
    for distance in distances:
        for w, (value, slope) in zip(weights, start):
            w.set_value(value - distance * slope)
        loss, there = slopes_at(net, x, t)
        seen.append([loss, np.linalg.norm(there - g) / np.linalg.norm(g)])
    return seen


assert all(0 <= value <= 100 for pairs in ends.values() for pair in pairs for value in pair)

# %% [markdown]
# **Predict first:** both nets learn at the rate 0.1. Which one's loss jumps when a step is four times as long as that?

# %%
views = {name: [] for name in NETS}
for name, norm in NETS.items():
    for seed in seeds:
        net, seen = mlp(seed, norm), []
        order = np.random.default_rng(seed).permutation(1_400)
        for step, rows in enumerate(np.resize(order, (run.pick(full=112, quick=28), 50))):
            batch = tensors(datasets.Split(digits[seed].images[rows], digits[seed].labels[rows]))
            further = [0.05, 0.2, 0.4] if step % 4 == 0 else []
            steps = walk(net, *batch, [*further, 0.1])  # 0.1 comes last: it is the step that is taken
            seen += [steps] if further else []
        views[name].append(seen)
views = {name: np.array(seen) for name, seen in views.items()}  # [seeds, looks, distances, 2]
normal, plain = (np.median(seen[..., 1].max(axis=2), axis=1) for seen in views.values())
record("change of the gradient within four steps (of its length): BN minus none", normal - plain)
figure, axes = plt.subplots(1, 2, figsize=(9, 3.8))
for k, (axis, label) in enumerate(zip(axes, ("loss", "change / length of the gradient"))):
    for name, seen in views.items():
        low, middle, high = (pick(seen[..., k], axis=2).mean(axis=0) for pick in (np.min, np.mean, np.max))
        plotting.interval_curves(axis, 4 * np.arange(len(low)), {name: (low, middle, high)})
    axis.set(xlabel="step of training", ylabel=label, ylim=(0, None))
axes[0].legend()
message = f"Four steps on, the gradient is off by {normal.mean():.1f} of its length with BN, {plain.mean():.1f} without"
figure.suptitle(message, x=0.01, ha="left", fontsize=13)
plt.show()

# %% [markdown]
# A band holds all that was met on the walk, from half a step to four, averaged over the seeds; the line is its mean. A wide
# band says that the gradient is good for a short way only, and then a large learning rate must fail. Compare the nets where
# both are learning: where the loss hardly falls, the surface may be flat, and on a flat surface the gradient hardly changes.
# The title tells the largest change of a walk, median over training. Both nets learn at the same rate, so the comparison is
# about the surface. It does not prove that smoothness is the whole reason.
#
# ### Before the activation function or after it?
#
# The paper normalizes $x W + b$, before the activation function; others put it after. For the sigmoid $1 / (1 + e^{-x})$ the
# place is said to matter: it is steep only near 0, and normalization before it brings the values there.

# %%
orders = {"none": dict(), "before": dict(norm=nn.BatchNorm1D), "after": dict(norm=nn.BatchNorm1D, after=True)}
by_order = defaultdict(list)
for activation in (nn.ReLU, nn.Sigmoid):
    for place, arguments in orders.items():
        for seed in seeds:
            net = learn(mlp(seed, activation=activation, **arguments), seed, digits[seed], epochs, lr=0.1)
            by_order[f"{activation.__name__}, {place}"].append(judge(net, test)[1])
for name in ("ReLU", "Sigmoid"):
    difference = np.subtract(by_order[f"{name}, before"], by_order[f"{name}, after"])
    place = record(f"test accuracy (points), {name}: BN before minus after", difference)
some = np.subtract(by_order["Sigmoid, before"], by_order["Sigmoid, none"]).mean()
plotting.interval_bars(
    {name: metrics.mean_interval(row) for name, row in by_order.items()},
    f"Sigmoid: {some:+.0f} points from none to before, {place:+.1f} from after to before",
    xlabel="test accuracy in % (95 % interval; dashed: chance)",
    marks=[10],
)
plt.show()

# %% [markdown]
# Whether to normalize is one question, where is another: compare the two distances. Without normalization each layer of
# sigmoids multiplies the gradient by at most a quarter (chapter 03), so that four of them may learn nothing in so few steps.
#
# ## 6 When does it break?
#
# ### Small batches
#
# **Predict first:** what does batch normalization make of a batch of one sample $[1, C]$? And of two?

# %% tags=["nbval-ignore-output"]
one, two = rng.normal(size=(1, 3)), rng.normal(size=(2, 3))
beta, start = np.array([5.0, 6, 7]), (np.zeros(3), np.ones(3))
print("a batch of one gives beta: ", batch_norm(one, np.ones(3), beta, start)[0].tolist())
print("and passes back no slope:  ", np.abs(batch_norm_gradient(one, np.ones(3), one)[0]).tolist())
pair, _ = batch_norm(two, np.ones(3), np.zeros(3), start, eps=0)
print("a batch of two gives +1 and -1 in each channel:", bool(np.allclose(np.abs(pair), 1)))
layer = nn.BatchNorm1D(3)
layer.bias.set_value(paddle.to_tensor(beta.astype("float32")))
y = layer(paddle.to_tensor(one.astype("float32"))).numpy()
print("Paddle hands a batch of one through as it is:", bool(np.allclose(y, one)))

# %% [markdown]
# One sample is its own mean, so nothing of it is left. Of two samples only the order is left, in each channel. (Where the
# last line says True, Paddle sees a batch of one coming and skips the layer, without a warning: the net that learns is then
# not the net that you wrote.) With four or eight, the statistics are there but noisy.
#
# So accuracy should depend on the batch size. **Layer normalization** (层归一化, Ba et al. 2016) should not mind: it takes
# mean and variance over the values of one sample. All runs below see the same number of images. The learning rate grows with
# the batch, $0.004$ for each sample in it, so that the same images move the weights about as far.

# %%
assert y.shape == one.shape
sizes = [2, 8, 64]
norms = {"batch normalization": nn.BatchNorm1D, "layer normalization": nn.LayerNorm, "none": None}
by_size = {name: np.zeros((len(seeds), len(sizes))) for name in norms}
for name, norm in norms.items():
    for seed in seeds:
        few = digits[seed].take(run.pick(full=1_400, quick=700))
        for k, size in enumerate(sizes):
            net = learn(mlp(seed, norm), seed, few, 1, lr=0.004 * size, batch_size=size)
            by_size[name][seed, k] = judge(net, test)[1]
batch, layer, _ = by_size.values()
cost = record(small := "test accuracy (points): BN, batches of 2 minus 64", batch[:, 0] - batch[:, -1])
record("test accuracy (points), batches of 2: BN minus layer normalization", batch[:, 0] - layer[:, 0])
figure, axis = plt.subplots(figsize=(8, 3.6))
plotting.interval_curves(axis, sizes, {name: metrics.mean_interval(rows) for name, rows in by_size.items()}, chance=10)
axis.set(xscale="log", xticks=sizes, xticklabels=sizes, xlabel="batch size", ylabel="test accuracy in %", ylim=(0, 100))
axis.minorticks_off()
verb = told(small, "need larger batches", "do not show a need of large batches", "prefer small batches")
axis.set_title(f"Batch statistics {verb}: {cost:+.0f} points for 2 instead of 64")
axis.legend()
plt.show()

# %% [markdown]
# The two nets without batch statistics show the other side of the balance: for them a larger batch means nothing but fewer
# and coarser steps over the same images. What they lose to the right, batch normalization has to win back first.
#
# ### The forgotten `net.eval()`
#
# A new layer is in training mode, and `net.eval()` switches. Whoever forgets it gets no error: each test image is normalized
# by its neighbours, and the running statistics move on. **Predict first:** what does that cost with batches of 64 mixed
# digits? And with 64 images of the same digit, as a sorted folder gives them?


# %%
def forgotten(net, split, size):
    """Accuracy in % of a net that is in training mode, batch by batch; its running statistics move."""
    x, _ = tensors(split)
    net.train()
    with paddle.no_grad():
        logits = np.concatenate([net(x[k : k + size]).numpy() for k in range(0, len(x) - size + 1, size)])
    return 100 * metrics.accuracy(logits, split.labels[: len(logits)])


order = np.argsort(test.labels, kind="stable")
piles = {"mixed": test, "of one digit": datasets.Split(test.images[order], test.labels[order])}
rows = defaultdict(list)
for seed in seeds:
    net = learn(mlp(seed, nn.BatchNorm1D), seed, digits[seed], epochs, lr=0.3)
    rows["with net.eval()"].append(judge(net, test)[1])
    for (pile, split), size in ((pair, size) for pair in piles.items() for size in (8, 64)):
        rows[f"without, {size} {pile}"].append(forgotten(net, split, size))
    rows["with it, after all these"].append(judge(net, test)[1])
for name in ("without, 64 mixed", "without, 64 of one digit", "with it, after all these"):
    record(f"test accuracy (points), net.eval() forgotten: {name}", np.subtract(rows[name], rows["with net.eval()"]))
bars = {name: metrics.mean_interval(row) for name, row in rows.items()}
xlabel = "test accuracy in % (95 % interval; dashed: chance)"
plotting.interval_bars(bars, "Without net.eval(), the neighbours in the batch decide", xlabel, marks=[10])
plt.show()

# %% [markdown]
# The more mixed neighbours there are, the better they stand for all digits, and the less one notices the mistake. Sorted
# images are the trap: within a batch of one digit, the mean that is subtracted *is* the digit. The last bar is the other
# damage: the running statistics have followed the sorted images, so the right mode, too, answers by them now, and a file
# saved at this point would keep that.
#
# ### Other sets to normalize over
#
# For maps $x\,[N, C, H, W]$ the same formula serves with other sets of values: layer normalization takes all values of one
# sample, **group normalization** (组归一化, Wu & He 2018) a group of neighbouring channels in one sample, **instance
# normalization** (实例归一化, Ulyanov et al. 2016) one channel in one sample. None needs other samples, so none has running
# statistics or a second mode. To see the sets, we change one value of sample 1, channel 2, and ask which outputs notice.

# %%
x = paddle.to_tensor(rng.normal(2, 3, (4, 6, 3, 3)).astype("float32"))
norms = {"batch": nn.BatchNorm2D(6), "layer": nn.LayerNorm([6, 3, 3])}
norms |= {"group, 2 of 3": nn.GroupNorm(2, 6), "instance": nn.InstanceNorm2D(6)}
changed = x.clone()
changed[1, 2, 0, 0] += 1
noticed = {name: (np.abs((norm(changed) - norm(x)).numpy()) > 1e-4).any(axis=(2, 3)) for name, norm in norms.items()}
print("of 24 maps notice:", ", ".join(f"{maps.sum()} with {name}" for name, maps in noticed.items()))
plotting.axes_of_norms(noticed, (1, 2), "Each normalizes over the coloured maps (dot: the value that was changed)")
plt.show()

# %% [markdown]
# **Try it** later: with three groups instead of two, how many maps notice?
#
# ## 7 What does dropout do to a value?
#
# Dropout (丢弃法, Hinton et al. 2012) switches values off at random while a net learns. A mask $m$ of zeros and ones (no batch
# size any more), shaped like $x$, is drawn anew in every step; each $m_i$ is 0 with probability $p$. Dropping makes the
# values smaller on average, by the factor $1 - p$, and somebody has to make up for it. Paddle has two modes, which differ in
# when:
#
# | mode | in training | in evaluation |
# |:--|:--|:--|
# | `upscale_in_train` (default) | $y = m\,x / (1 - p)$ | $y = x$ |
# | `downscale_in_infer` | $y = m\,x$ | $y = (1 - p)\,x$ |
#
# Nothing in it is learned: dropout has no parameters. Below, both modes act on one mask. (Paddle draws its mask inside; where
# no value of $x$ is 0, a 0 in its output was dropped, and so we know the mask and can compare.) **Predict first:** $p$ is
# 0.5. Which numbers stand in the four panels to the right of $x$ and its mask?


# %%
MODES = ("upscale_in_train", "downscale_in_infer")


def dropout(x, m, p, mode, training):
    """One cell of the table; m, of zeros and ones, is shaped like x."""
    if mode == "upscale_in_train":
        return m * x / (1 - p) if training else x
    return m * x if training else (1 - p) * x


x = np.arange(1.0, 9).reshape(2, 4)
m = ops.dropout_mask(x.shape, 0.5, np.random.default_rng(1))
panels = {}
for mode, (title, values) in zip(MODES, {"values x": x, "mask m": m}.items()):
    panels |= {title: values, f"{mode}\nin training": dropout(x, m, 0.5, mode, True)}
    panels[f"{mode}\nin evaluation"] = dropout(x, m, 0.5, mode, False)
    layer = nn.Dropout(0.3, mode=mode)
    native = layer(paddle.to_tensor(x)).numpy()
    assert close(dropout(x, native != 0, 0.3, mode, True), native, 1e-6)
    layer.eval()
    assert close(dropout(x, m, 0.3, mode, False), layer(paddle.to_tensor(x)).numpy(), 1e-6)
plotting.number_panels(panels, "One mode doubles in training, the other halves in evaluation", columns=3)
plt.show()

# %% [markdown]
# Grey is what was dropped. Above, both panels hold twice the values of those below: whoever reads this layer's output finds,
# on average, the same size in training as in evaluation, in either mode. Paddle's own layer agrees, or the cell would have
# stopped at an `assert`.
#
# ### The mean is kept, the variance is not
#
# $m_i$ is 1 with probability $1 - p$, so the mean over masks is $\operatorname{E}[m_i x_i / (1 - p)] = x_i$. One mask is far
# from that mean: with $p = 0.5$ a value is either 0 or doubled. The relative deviation of one value is
# $\sqrt{p / (1 - p)}$, and of its mean over $n$ masks $\sqrt{p / (1 - p) / n}$.
#
# So the values of a layer, with mean $\mu$ and variance $\sigma^2$, are spread wider in training. Since $m^2 = m$,
#
# $$\operatorname{Var}[y] = \frac{\operatorname{E}[x^2]}{1 - p} - \mu^2 = \frac{\sigma^2 + \mu^2}{1 - p} - \mu^2$$
#
# **Predict first:** how many masks bring a single value to within 1 %, one standard deviation, at $p = 0.5$? And is the
# variance of a layer then less than twice, twice, or more than twice that in evaluation?

# %%
p, n = 0.5, np.arange(1, 10_001)
x = np.random.default_rng(1).uniform(0.5, 1.5, 64)  # 64 neurons
everyone = np.broadcast_to(x, (len(n), 64))
masks = ops.dropout_mask(everyone.shape, p, np.random.default_rng(2))  # 10,000 masks
for mode in MODES:
    mean, expected = (dropout(everyone, masks, p, mode, training).mean() for training in (True, False))
    assert abs(mean / expected - 1) < 0.01
    print(f"{mode}: mean over 10,000 masks equals evaluation within 1 %: True")
y = dropout(everyone, masks, p, MODES[0], True)
formula = (x.var() + x.mean() ** 2) / (1 - p) - x.mean() ** 2
assert abs(y.var() / formula - 1) < 0.03
print(f"variance in training: {y.var() / x.var():.1f} times that in evaluation, as the formula says within 3 %: True")
band = 1.96 * np.sqrt(p / (1 - p) / n)
figure, axis = plt.subplots(figsize=(8, 3))
axis.fill_between(n, 1 - band, 1 + band, color="0.88", label="95 % of neurons lie here, by the formula")
means = np.cumsum(y[:, :4], axis=0) / n[:, None]
axis.plot(n, means / x[:4], linewidth=1.2)
axis.set(xscale="log", ylim=(0, 2), xlabel="masks averaged (log scale)", ylabel="mean / evaluation")
axis.set_title("Four neurons: right on average, far off in any one step")
axis.legend()
plt.show()

# %% [markdown]
# $\sqrt{1 / n} = 0.01$ at $n = 10{,}000$ masks. And the variance grows far more than twofold, since the mean of these neurons
# is large beside their spread: in evaluation they differ a little from each other, in training each is now 0, now doubled.
#
# The mean survives sums, and so a linear layer. It does not survive ReLU: if
# masks push a sum from 0 to $+1$ or $-1$, ReLU makes 1 or 0 of it, on average $1/2$, but of the mean 0 it makes 0. Behind
# ReLU, evaluation only approximates the mean over all masks; how well, section 8 measures.
#
# **Move it yourself:** draw masks and follow one neuron while its mean comes to what evaluation gives:

# %% tags=["demo", "nbval-ignore-output"]
demos.show("dropout")

# %% [markdown]
# The variance is the trouble for **batch normalization behind dropout**: it keeps the running variance of what it sees in
# training and divides by its root in evaluation, where the spread is smaller. What it puts out then varies too little, and the
# net may be less sure than it learned to be. Li et al. (2019) call this the variance shift. The way out costs nothing: put dropout
# behind the last batch normalization, or use only one of the two.
#
# ## 8 Does dropout fight overfitting?
#
# A net with many times more parameters than images can learn its images by heart. Dropout forbids a neuron to rely
# on one particular other neuron, since that one may be absent (*co-adaptation* in the paper of 2012). The same net learns
# with and without it, from 500 digits. Training accuracy is measured in evaluation mode, or we would see the dropped
# neurons instead of the net. The steps are Adam's (chapter 05), which needs fewer of them than plain gradient descent.
#
# **Predict first:** four curves of the loss are coming. Which falls lowest? Which rises again?


# %%
def drop_run(p, seed):
    """A trained net, and by epoch [training loss, training accuracy, test loss, test accuracy]."""
    paddle.seed(run.seed + seed)
    net = nn.Sequential(
        *(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Dropout(p)),
        *(nn.Linear(256, 256), nn.ReLU(), nn.Dropout(p), nn.Linear(256, 10)),
    )
    few, rows = digits[seed].take(500), []
    look = lambda trainer, history: rows.append([*judge(net, few), *judge(net, test)])  # noqa: E731
    learn(net, seed, few, run.pick(full=40, quick=12), 1e-3, paddle.optimizer.Adam, callbacks=[look])
    return net, np.array(rows)


drop_runs = {p: [drop_run(p, seed) for seed in seeds] for p in (0.0, 0.5)}
curves = {p: np.stack([rows for _, rows in pairs]) for p, pairs in drop_runs.items()}  # [seeds, epochs, 4]
final = curves[0.5][:, -1] - curves[0.0][:, -1]
record("training minus test accuracy (points): dropout minus none", final[:, 1] - final[:, 3])
record("test accuracy (points): dropout minus none", final[:, 3])
record("test loss: dropout minus none", final[:, 2])
assert np.all(curves[0.0][:, -1, 0] < curves[0.0][:, -1, 2])  # what was learned by heart has the lower loss

# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 4))
count = 1 + np.arange(curves[0.0].shape[1])
for p, colour, name in ((0.0, "C1", "without dropout"), (0.5, "C0", "with dropout")):
    for column, part, line in ((0, "training", ":"), (2, "test", "-")):
        for axis, offset in zip(axes, (0, 1)):
            low, mean, high = metrics.mean_interval(curves[p][:, :, column + offset])
            axis.plot(count, mean, line, color=colour, label=f"{part}, {name}")
            axis.fill_between(count, np.maximum(low, 1e-3), high, color=colour, alpha=0.2, linewidth=0)
axes[0].set(xlabel="epoch", ylabel="cross entropy", yscale="log", ylim=(1e-3, None))
axes[1].set(xlabel="epoch", ylabel="accuracy in % (grey: chance)", ylim=(0, 101))
axes[1].axhline(10, color="0.6", linewidth=1)
axes[1].legend(loc="center right")
low, mean, high = measured[name := "test accuracy (points): dropout minus none"]
message = f"Dropout, last epoch: {mean:+.1f} points of test accuracy [{low:+.1f} to {high:+.1f}{told(name)}]"
figure.suptitle(message, x=0.01, ha="left", fontsize=13)
plt.show()

# %% [markdown]
# Bands are 95 % intervals over the seeds, for this one set of test images. There are two questions. Does dropout hinder
# learning by heart? Compare the dotted curves: it makes the net slower to know its own images, since every step trains a
# part of the net only. Does that help on images it has not seen? Compare the solid ones, and read the title: where the
# interval holds 0, to hinder was not yet to help. A training accuracy that arrives at 100 % all the same says that so few
# digits can be learned by heart through the noise, too.
#
# ### Is it an ensemble?
#
# With $n$ neurons that may be absent, a mask picks one of $2^n$ thinned nets, which share their weights. Evaluation, with
# all neurons present, is said to approximate the average of them all. We can look at single ones: fix one mask for all test
# images, as if the dropped neurons did not exist. **Predict first:** half of the neurons are gone. How far does one thinned
# net fall below the whole?


# %%
def thinned(net, x, generator, p=0.5):
    """Probabilities [N, 10] of one thinned net: one mask a layer, the same for all images."""
    _, first, _, _, second, _, _, output = net
    h = x.flatten(1)
    for layer in (first, second):
        h = ops.dropout(F.relu(layer(h)), p, mask=ops.dropout_mask([1, 256], p, generator))
    return F.softmax(output(h)).numpy()


members, (x, _), behind = run.pick(full=50, quick=10), tensors(test), []
for seed, (net, _) in zip(seeds, drop_runs[0.5]):
    generator = np.random.default_rng([run.seed, seed])
    with evaluating(net):
        sums = np.cumsum([thinned(net, x, generator) for _ in range(members)], axis=0)  # [members, N, 10]
    behind.append(100 * (sums.argmax(axis=-1) == test.labels).mean(axis=-1) - judge(net, test)[1])
one = record("test accuracy (points): one thinned net minus all neurons", np.array(behind)[:, 0])
many = record(f"test accuracy (points): average of {members} thinned nets minus all neurons", np.array(behind)[:, -1])
figure, axis = plt.subplots(figsize=(8, 3.2))
plotting.interval_curves(axis, np.arange(1, members + 1), {"average of thinned nets": metrics.mean_interval(behind)})
axis.axhline(0, color="C1", linestyle="--", label="all neurons, asked once")
axis.set(xlabel="thinned nets averaged", ylabel="points from all neurons")
axis.set_title(f"Points of test accuracy: one thinned net {one:+.1f}, {members} averaged {many:+.1f}")
axis.legend(loc="lower right")
plt.show()

# %% [markdown]
# The curve goes from one thinned net to an average of many; the dashed line is what evaluation gives, at the price of asking
# one net once. The nearer the curve ends to it, the better all neurons stand for the ensemble.
#
# ## Recap
#
# - Batch normalization takes each channel's mean and variance from the batch in training, and running ones in evaluation. So
#   it needs batches that are not tiny, and `net.eval()` when the net is used.
# - It does not notice the scale or the offset of what it reads. A bias before it does nothing, and weights that are $a$ times
#   as large have slopes $1/a$ as large.
# - Dropout keeps the mean of a layer, in either of its modes, and not the variance. Batch normalization stands before it.
# - What the two promise for learning is a matter of experiments. Ours, with 95 % intervals over the seeds ("0 is possible":
#   not seen at this size):

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
# <details><summary>What does batch normalization cost when the net is used?</summary>Nothing, if we like. With the mean and
# s = √(variance + ε) fixed it is y = a x + c for each channel, and a convolution before it can swallow both: its kernels times
# γ/s, its bias less the mean, times γ/s, plus β. <code>ops.fold_batch_norm</code> does that.</details>
#
# <details><summary>Why does a layer before batch normalization need no bias?</summary>What it adds to all samples, the
# mean takes away; its slope is 0, and β does its work.</details>
#
# <details><summary>Why may dropout and batch normalization disagree?</summary>Dropout widens the values in training only,
# so the running variance is too large for evaluation.</details>
#
# <details><summary>What should dropout drop in a convolution?</summary>Neighbours in a feature map are alike, so a net may
# guess a dropped pixel from those around it. <code>nn.Dropout2D</code> drops whole maps (Tompson et al. 2015), with one draw
# for each image and channel. A small net has few maps to lose: try it before you trust it.</details>
#
# ## Try it
#
# 1. In section 1, let $x_2$ be the number of steps of stairs, twenty a floor. What are the condition number and the steps now?
# 2. Set $\gamma$ of the last hidden layer to 0 at the start. Does the net still learn? What does its first step do?
# 3. Put layer normalization into the sweep of learning rates. Which of the promises needs the batch at all?
# 4. Train with dropout on all digits instead of 500. Is it worth its time there?
# 5. In section 8, put `nn.BatchNorm1D(256)` behind each dropout. Estimate the running statistics once more with dropout switched
#    off, as Li et al. (2019) do: what becomes of test loss and accuracy?
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
