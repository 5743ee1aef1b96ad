# %% [markdown]
# # LeNet-5 on handwritten digits (手写数字识别)
#
# Handwritten digits, a network of 1998, and the question how sure we may be of its accuracy.

# %% [markdown]
# {card}

# %% tags=["nbval-ignore-output"]
from course_utils import settings

run = settings.setup("06_lenet_digits", seed=6)

# %%
import tempfile
from math import ceil
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import paddle
import paddle.nn.functional as F

from course_utils import datasets, demos, errata, explain, metrics, ops, plotting, timing
from course_utils.demos.draw_digit import EXAMPLE, as_mnist, draw_digit
from course_utils.models import LeNet5, LeNet1998
from course_utils.models.lenet import C3_TABLE, lenet_1998_counts
from course_utils.onednn import availability, fast_convolutions
from course_utils.summary import summarize
from course_utils.training import Trainer

# %% [markdown]
# A task of machine learning has five parts, and they are the sections of this chapter: the **data** (1), the **model**
# (2, 3), the **loss** that says how wrong the model is (4), the **optimizer** that makes it less wrong (4, 5), and the
# **evaluation** (6, 7).
#
# ## 1 What do the data look like?

# %% tags=["nbval-ignore-output"]
data = datasets.digits()
print(data.source)
print("Cite:", data.citation)
print("Licence:", data.licence)
plotting.image_grid(
    data.train.images[:20, 0],
    [str(label) for label in data.train.labels[:20]],
    columns=10,
    size=0.85,
    message=f"The first twenty digits and their labels ({data.name})",
)
plt.show()

# %%
images, labels = data.train
assert len(images) == len(labels)
print("an image:", list(images.shape[1:]), images.dtype, "from", images.min(), "to", images.max())
print("a label: one of", ", ".join(data.classes))

# %% [markdown]
# An image is one channel of $28 \times 28$ grey values, a label is the digit that somebody meant. Count the labels before
# any training: always answering the most frequent digit scores that digit's share. Read every accuracy below against it.

# %% tags=["nbval-ignore-output"]
shares = np.bincount(labels, minlength=10) / len(labels)
figure, axis = plt.subplots(figsize=(8, 2.6))
axis.bar(data.classes, 100 * shares)
axis.axhline(10, color="C1", linestyle="--")
axis.set(xlabel="digit (dashed: all equal)", ylabel="% of the labels")
axis.set_title(f"Always answering {shares.argmax()} would be right in {100 * shares.max():.1f} % of the cases")
plt.show()

# %% [markdown]
# LeNet reads $32 \times 32$ pixels, so each image gets a frame of two black ones. The paper's reason (LeCun et al. 1998,
# section II.B): the end or corner of a stroke shall be able to lie in the *middle* of a receptive field of C3, the last
# layer that looks at parts. In $32 \times 32$ pixels the middles of those fields cover the $20 \times 20$ in which the
# digits lie.
#
# The training images are split once more. The net learns from one part; the other, for validation (验证), tells which
# epoch's weights to keep. The test images stay closed until section 6.


# %%
def frame(split):
    """A frame of two black pixels: 28x28 -> 32x32."""
    return datasets.Split(np.pad(split.images, ((0, 0), (0, 0), (2, 2), (2, 2))), split.labels)


assert 0.09 < shares.max() < 0.13  # no digit is rare
size = min(len(labels), run.pick(full=60_000, quick=6_000))  # quick: what our tests run
held = size // 12
train = frame(datasets.Split(images[: size - held], labels[: size - held]))
valid = frame(datasets.Split(images[size - held : size], labels[size - held : size]))
test = frame(data.test.take(run.pick(full=10_000, quick=2_000)))
print("framed image:", list(train.images.shape[1:]))

# %% [markdown]
# The book of the course wraps its images in a `Dataset` class with two methods, `__getitem__` (one sample by its number)
# and `__len__` (how many there are). You will meet it everywhere, so here it is once:


# %%
class DigitDataset(paddle.io.Dataset):
    """One sample at a time: a float image [1, 32, 32] in 0..1, and its label."""

    def __init__(self, split):
        super().__init__()
        self.split = split

    def __getitem__(self, index):
        return self.split.images[index].astype("float32") / 255, self.split.labels[index]

    def __len__(self):
        return len(self.split.labels)


dataset, rows = DigitDataset(train), np.arange(64)
one_by_one = np.stack([dataset[int(row)][0] for row in rows])
at_once = train.images[rows].astype("float32") / 255
assert np.array_equal(one_by_one, at_once)
print("64 samples, stacked:", list(one_by_one.shape), "- the same as 64 rows of the array:", True)

# %% [markdown]
# From here on we do without it. All images are one array already, and a batch is 64 rows of it. Fetching the samples one
# by one and stacking them again is work that teaches the net nothing, and it takes longer:

# %% tags=["nbval-ignore-output"]
calls = {
    "one by one": lambda: np.stack([dataset[int(row)][0] for row in rows]),
    "at once": lambda: train.images[rows].astype("float32") / 255,
}
ratio = timing.interleaved_ratios(calls, reference="at once", repeats=50)["one by one"]
print(f"{len(train.labels):,} images to learn from, {len(valid.labels):,} to validate, {len(test.labels):,} to test")
print(f"a batch of 64, one by one: {ratio:.1f} times the time of all at once")

# %% [markdown]
# ## 2 How do 1,024 pixels become ten numbers?
#
# LeNet-5 puts three kinds of layers one after another.
#
# - **Convolutions** (chapter 01) find patterns. After each stands ReLU, $\max(0, x)$, which sets negative values to 0.
#   Without that bend, convolution upon convolution would only be one larger convolution.
# - **Max-pooling** (最大汇聚) keeps the largest value of each $2 \times 2$ window, so the map halves and a small shift
#   matters less.
# - **Fully connected layers** (`Linear`) weigh everything at the end: $y = x W + b$.
#
# The last ten numbers are the *logits*: one score for each digit; the largest is the answer.

# %%
assert ratio > 1
x = np.arange(1, 17, dtype="float32").reshape(1, 1, 4, 4)
pooled = ops.max_pool2d(paddle.to_tensor(x), 2).numpy()
print("1 to 16 in four rows, max-pooled by 2x2:", pooled[0, 0].tolist())

# %% [markdown]
# **Predict first:** which layer holds most of the parameters?

# %%
paddle.seed(run.seed)
net = LeNet5()
table = summarize(net, (1, 1, 32, 32))
assert table.trainable == 61_706
table

# %% [markdown]
# MACs are chapter 01's multiply-accumulates. (Statistics are running values that some layers keep beside their
# parameters; chapter 04 has such layers, LeNet has none.)

# %%
rows = [row for row in table.rows if row.trainable]
figure, axes = plt.subplots(1, 2, figsize=(9, 2.9), sharey=True)
for axis, field, title in zip(axes, ("trainable", "macs"), ("C5 holds most parameters", "C3 does most of the work")):
    values = np.array([getattr(row, field) for row in rows[::-1]])
    bars = axis.barh([row.name for row in rows[::-1]], 100 * values / values.sum())
    axis.bar_label(bars, fmt="%.1f", padding=3, fontsize=11)
    axis.set_title(title)
    axis.set_xlabel("% of the parameters" if field == "trainable" else "% of the MACs")
    axis.margins(x=0.15)
plt.show()

# %% [markdown]
# The two pictures differ because a convolution uses each weight at every place: few weights, much work. C5 is the reverse.
# Its kernels of $5 \times 5$ cover the whole map of $5 \times 5$, so each weight is used once: it is a fully connected
# layer, written as a convolution.
#
# You can compute each count by hand. C1 has six kernels with $5 \cdot 5$ weights and a bias; C3 has sixteen, each with a
# slice for all six maps:

# %%
print("C1:", 6 * (1 * 5 * 5 + 1), " C3:", 16 * (6 * 5 * 5 + 1), " C5:", 120 * (16 * 5 * 5 + 1))
print("F6:", 84 * (120 + 1), " output:", 10 * (84 + 1))
print("together:", f"{6 * 26 + 16 * 151 + 120 * 401 + 84 * 121 + 10 * 85:,}")

# %% [markdown]
# Nothing in this net is out of your reach: chapter 01 wrote the convolution. The same weights, with our own operators
# (`@` is the matrix product; `no_grad` tells Paddle that nobody will ask for slopes, so it need not remember anything):


# %%
def lenet_by_hand(net, x, conv2d=ops.conv2d_unfold):
    """LeNet-5 from our own operators: x [N, 1, 32, 32] -> logits [N, 10]."""
    x = ops.max_pool2d(F.relu(conv2d(x, net.c1.weight, net.c1.bias)), 2)  # [N, 6, 14, 14]
    x = ops.max_pool2d(F.relu(conv2d(x, net.c3.weight, net.c3.bias)), 2)  # [N, 16, 5, 5]
    x = F.relu(conv2d(x, net.c5.weight, net.c5.bias)).flatten(1)  # [N, 120]
    x = F.relu(x @ net.f6.weight + net.f6.bias)  # [N, 84]
    return x @ net.output.weight + net.output.bias


batch = paddle.to_tensor(at_once)
with paddle.no_grad():
    native, by_hand = net(batch).numpy(), lenet_by_hand(net, batch).numpy()
error = np.abs(native - by_hand).max() / np.abs(native).max()
assert error < 1e-5
print("logits", list(by_hand.shape), "- equal to paddle.nn within 1e-5:", error < 1e-5)

# %% [markdown]
# **Predict first:** for one digit, how many times as long as Paddle does our net take, once with `unfold` and once with
# the Python loops over all places?


# %% tags=["nbval-ignore-output"]
def with_loops(x, w, b):
    """The two loops of chapter 01, on tensors."""
    return paddle.to_tensor(ops.conv2d_two_loops(x.numpy(), w.numpy(), b.numpy()))


one = batch[:1]
calls = {
    "two Python loops": lambda: lenet_by_hand(net, one, with_loops),
    "our operators on unfold": lambda: lenet_by_hand(net, one),
    "paddle.nn": lambda: net(one),
}
with paddle.no_grad():
    ratios = timing.interleaved_ratios(calls, reference="paddle.nn", repeats=run.pick(full=30, quick=5))
plotting.ratio_bars(ratios, "The same logits for one digit, at three speeds", "paddle.nn")
plt.show()

# %%
with paddle.no_grad():
    for name, call in calls.items():
        difference = np.abs(call().numpy() - native[:1]).max() / np.abs(native[:1]).max()
        assert difference < 1e-5
        print(f"{name}: the same logits within 1e-5")
assert ratios["two Python loops"] > 1

# %% [markdown]
# ## 3 What did the paper build in 1998?
#
# The modern form keeps the plan. Four things were different:
#
# - **The bend** was a scaled hyperbolic tangent, an S-shaped curve: $f(a) = 1.7159 \tanh(\tfrac{2}{3} a)$, whose two
#   constants make $f(1) = 1$ and $f(-1) = -1$.
# - **C3 is partial.** Each of its sixteen maps reads only some of the six maps before it: fewer parameters, and maps that
#   cannot all become alike.
# - **Pooling is trained.** Each map has a coefficient $c$ and a bias $b$ and computes
#   $f(c \cdot \text{sum of four} + b)$.
# - **The output measures distances.** Each digit has a fixed code of 84 values, $+1$ or $-1$ (the paper draws the digit in
#   $7 \times 12$ pixels; ours are random, which the paper names as the alternative). The score is how near F6 comes to it.

# %%
plotting.connection_table(
    C3_TABLE, "C3 in 1998: only map 15 reads all six maps", inputs="map of S2", outputs="map of C3"
)
plt.show()

# %% [markdown]
# The paper counts *connections* beside parameters: how often a number is used, be it a weight, a bias or a fixed code. A
# convolution with $n$ maps of $m \times m$ values, kernels of $k \times k$ and $c_i$ inputs to map $i$ has
# $\sum_{i=1}^{n} (c_i k^2 + 1)$ parameters, each used at $m^2$ places. Pooling has 2 parameters a map and $4 + 1$
# connections a neuron (神经元), that is, a value.

# %%
counts = lenet_1998_counts()
print(f"{'layer':8} {'maps':>5} {'neurons':>9} {'parameters':>11} {'connections':>12}")
for row in counts:
    print(f"{row.layer:8} {row.maps:5} {row.neurons:9,} {row.trainable:11,} {row.connections:12,}")
parameters, connections = sum(row.trainable for row in counts), sum(row.connections for row in counts)
assert (parameters, connections) == (60_000, 340_908)  # the paper's own totals
assert sum(p.size for p in LeNet1998().parameters()) == parameters
print(f"{'total':24} {parameters:11,} {connections:12,}")

# %% [markdown]
# These are the paper's totals, and the network that `models.LeNet1998` builds has as many parameters.
#
# ## 4 What does it mean to learn?
#
# The net gives logits $z_0, \dots, z_9$. The **softmax** turns them into ten positive numbers that add up to 1:
#
# $$p_k = \frac{e^{z_k}}{\sum_j e^{z_j}}$$
#
# If the label is $t$, the **cross entropy** (交叉熵) is $L = -\log p_t$, with the natural logarithm: 0 where the net gives
# everything to the right digit, and without limit where it gives it nothing. **Predict first:** a net that knows nothing
# gives each digit $0.1$. What is its loss?


# %%
def softmax(z):
    """Probabilities [N, K] of logits z [N, K]; subtracting the largest changes nothing but keeps exp finite."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def cross_entropy(z, t):
    """Mean of -log p_t over the batch; z [N, K], t [N]."""
    return -np.log(softmax(z)[np.arange(len(t)), t]).mean()


print("logits 2, 1, 0 become", softmax(np.array([[2.0, 1.0, 0.0]]))[0].round(3).tolist())
print(f"knows nothing: {cross_entropy(np.zeros((1, 10)), [3]):.4f}, which is log 10 = {np.log(10):.4f}")

# %%
p = np.linspace(0.005, 1, 200)
figure, axis = plt.subplots(figsize=(7, 2.6))
axis.plot(p, -np.log(p))
axis.plot([0.1], [np.log(10)], "o", color="C1")
axis.annotate("one of ten, by chance", (0.1, np.log(10)), xytext=(10, 2), textcoords="offset points")
axis.set(xlabel="probability $p_t$ of the right digit", ylabel="loss $-\\log p_t$")
axis.set_title("Being sure and wrong is what costs most")
plt.show()

# %% [markdown]
# To learn is to go downhill: change each weight a little in the direction in which the loss falls. The slope of $L$ with
# respect to a weight $w$ is written $\partial L / \partial w$. With $L = -z_t + \log \sum_j e^{z_j}$, the slope for a logit
# is
#
# $$\frac{\partial L}{\partial z_k} = \frac{e^{z_k}}{\sum_j e^{z_j}} - y_k = p_k - y_k$$
#
# where $y_k$ is 1 for the right digit, $k = t$, and 0 for the others: what the net said minus what is true.
#
# A weight of the output layer acts through its logit: $z_k = \sum_i a_i w_{ik} + b_k$, with the 84 values $a_i$ of F6. The
# chain rule (链式法则) multiplies the slopes along the way: $\partial L / \partial w_{ik} = a_i \, (p_k - y_k)$. Layer by
# layer, the same rule reaches every weight back to C1. That is back-propagation (反向传播); `backward()` does it for us.

# %%
t = train.labels[:64]
loss = F.cross_entropy(net(batch), paddle.to_tensor(t))
loss.backward()  # fills w.grad for every weight w

z = native.astype("float64")
y = np.eye(10)[t]  # row n is all 0 but for a 1 at label t[n]
a = np.maximum(explain.feature_maps(net, batch, ["f6"])["f6"], 0)  # [64, 84], after ReLU
slope = a.T @ (softmax(z) - y) / len(t)  # the mean over the batch divides by its size
paddles = net.output.weight.grad.numpy()
assert abs(cross_entropy(z, t) - loss.item()) < 1e-5
assert np.abs(slope - paddles).max() < 1e-5 * np.abs(paddles).max()
print("our loss and our slopes", list(slope.shape), "equal Paddle's within 1e-5")

# %% [markdown]
# A step of gradient descent (梯度下降) is then, for every weight, $w \leftarrow w - \eta \, \partial L / \partial w$, where
# $\eta$ is the learning rate (学习率).

# %% tags=["nbval-ignore-output"]
with paddle.no_grad():
    for w in net.parameters():
        w.set_value(w - 0.1 * w.grad)
net.clear_gradients()
stepped = F.cross_entropy(net(batch), paddle.to_tensor(t)).item()
print(f"loss on these 64 digits: {loss.item():.4f}, and after one step {stepped:.4f}")

# %% [markdown]
# ## 5 How does it learn from all of them?
#
# Training repeats that step, each time with the next 64 images of a random order. Once through all of them is an *epoch*.
# Three refinements: Adam, the subject of chapter 05, gives each weight a step size of its own; weight decay (权重衰减)
# shrinks every weight a little at each step, so that none grows without need (together AdamW, Loshchilov & Hutter 2019);
# and the learning rate rises at first and falls almost to zero at the end, so that the weights settle (one-cycle, Smith &
# Topin 2018). After each epoch the net is tested on the validation images, and the weights of the best one are kept.

# %%
assert stepped < loss.item()
pixels = train.images[:5_000].astype("float32") / 255
mean, spread = float(pixels.mean()), float(pixels.std())


def prepare(images):
    """uint8 [N, 1, 32, 32] -> float32, shifted and scaled to mean 0 and spread 1 over the training images."""
    return (images.astype("float32") / 255 - mean) / spread


def make_trainer(net, epochs, lr, **arguments):
    """AdamW with one cycle of the learning rate, up to lr, over all steps of the run."""
    steps = epochs * ceil(len(train.labels) / 64)
    schedule = paddle.optimizer.lr.OneCycleLR(lr, steps, divide_factor=10, end_learning_rate=lr / 1000)
    optimizer = paddle.optimizer.AdamW(schedule, parameters=net.parameters(), weight_decay=0.1)
    return Trainer(net, optimizer, batch_size=64, prepare=prepare, seed=run.seed, **arguments)


# %% [markdown]
# One thing more, since you are about to wait: on a CPU the `Trainer` computes its convolutions with oneDNN, the last
# program of chapter 01's ladder. The same step with and without it, on your machine:

# %% tags=["nbval-ignore-output"]
spare = LeNet5()
sgd = paddle.optimizer.SGD(0.01, parameters=spare.parameters())


def step():
    """Forward, backward and update on one batch of 64."""
    F.cross_entropy(spare(batch), paddle.to_tensor(t)).backward()
    sgd.step()
    sgd.clear_grad()


def fast_step():
    with fast_convolutions():
        step()


factor = timing.interleaved_ratios({"Paddle": step, "oneDNN": fast_step}, "oneDNN", repeats=run.pick(full=60, quick=5))
print(f"{availability().sentence}; Paddle's own take {factor['Paddle']:.1f} times as long for a training step")

# %% tags=["nbval-ignore-output"]
with paddle.no_grad(), fast_convolutions():
    fast = spare(batch).numpy()
with paddle.no_grad():
    plain = spare(batch).numpy()
assert np.abs(fast - plain).max() < 1e-5 * np.abs(plain).max()  # faster, and the same logits; factor says how much
paddle.seed(run.seed)
net, epochs = LeNet5(), run.pick(full=5, quick=2)
folder = Path(tempfile.mkdtemp())
trainer = make_trainer(net, epochs, lr=8e-3, folder=folder, callbacks=[plotting.LiveCurves()])
history = trainer.fit(train, valid, epochs)

# %% [markdown]
# Read the two losses against each other. While both fall, the net learns digits. Where the training loss goes on falling
# and the validation loss does not, it learns these images by heart: overfitting (过拟合), which chapter 04 fights.
#
# And the form of 1998? One epoch for each net, the same images in the same order, each with a learning rate that suits it.
# (The rate completes its cycle in this one epoch; above, after one of several epochs, it was still near its peak.)

# %% tags=["nbval-ignore-output"]
assert history.column("loss")[-1] < history.column("loss")[0]
trainer.load(folder / "best.npz")  # the weights of the best epoch
one_epoch = {}
for name, make_net, lr in (("modern", LeNet5, 8e-3), ("1998", LeNet1998, 2e-3)):
    paddle.seed(run.seed)
    rival = make_trainer(make_net(), 1, lr, report=None)
    rival.fit(train, epochs=1)
    one_epoch[name] = rival.evaluate(valid)
    low, high = metrics.wilson_interval(one_epoch[name].correct, one_epoch[name].total)
    print(
        f"{name}: {100 * one_epoch[name].accuracy:.2f} % of the validation images, "
        f"95 % interval {100 * low:.2f} to {100 * high:.2f} %"
    )

# %%
assert trainer.evaluate(valid).accuracy == max(history.column("valid_accuracy"))
bar = run.pick(full=0.97, quick=0.80) if data.real else 0.5  # what a working recipe surely reaches at this length
assert all(evaluation.accuracy > bar for evaluation in one_epoch.values())
print("the best epoch's weights are back, and both forms learn to read in one epoch")

# %% [markdown]
# If the two intervals overlap, this experiment does not tell which form is better. What an interval is, comes next.
#
# ## 6 How good is it, and how sure are we?
#
# Now, once, the test images.

# %% tags=["nbval-ignore-output"]
result = trainer.evaluate(test)
low, high = metrics.wilson_interval(result.correct, result.total)
print(f"{result.correct:,} of {result.total:,} right: {100 * result.accuracy:.2f} %")
print(f"95 % interval: {100 * low:.2f} to {100 * high:.2f} %")

# %% [markdown]
# Other test images, from the same kind of writers, would have given another count. How far off may ours be? If the net's
# true accuracy is $\pi$, the share of right answers among $n$ images scatters around $\pi$ with a standard deviation of
# $\sqrt{\pi (1 - \pi) / n}$, and 95 % of the time it lies within 1.96 of them. Turned round: all $\pi$ whose scatter would
# still include the share that we saw, $s$, form the Wilson interval (Wilson 1927):
#
# $$\frac{s + \frac{c^2}{2n} \pm c \sqrt{\frac{s (1 - s)}{n} + \frac{c^2}{4 n^2}}}{1 + \frac{c^2}{n}}, \qquad c = 1.96$$
#
# Intervals made in this way hold the true accuracy in about 95 of 100 experiments. The width shrinks with $1/\sqrt n$: for
# a tenth of the width it takes a hundred times as many images.

# %%
bar = run.pick(full=0.99, quick=0.93) if data.real else 0.85
assert low < result.accuracy < high
assert result.accuracy > bar
print(f"{'n':>7} {'90 % right':>12} {'99 % right':>12}   (intervals in %)")
for n in (100, 200, 1_000, 10_000):
    cells = [metrics.wilson_interval(round(share * n), n) for share in (0.90, 0.99)]
    print(f"{n:7,}" + "".join(f"{100 * a:8.1f}-{100 * b:.1f}" for a, b in cells))

# %% [markdown]
# ### The lesson of the 87 %
#
# The book of the course trains this net on 1,000 digits for five epochs, tests on 200 and reports 87 %. We do the same
# several times, as in the book with SGD at learning rate 0.1, batch 64, max-pooling and then average-pooling, and change
# only the seed, which draws the first weights and the order of the images.
#
# **Predict first:** how far apart will the runs be? And how much of that is due to having 200 test images only?

# %% tags=["nbval-ignore-output"]
little = datasets.Split(train.images[:1_000], train.labels[:1_000])
few = datasets.Split(test.images[:200], test.labels[:200])
on_few, on_all = {}, {}
for seed in range(run.pick(full=8, quick=3)):
    paddle.seed(100 + seed)
    small = LeNet5()
    small.s4 = paddle.nn.AvgPool2D(2)
    optimizer = paddle.optimizer.SGD(0.1, parameters=small.parameters())
    pupil = Trainer(small, optimizer, prepare=lambda x: x.astype("float32") / 127.5 - 1, seed=seed, report=None)
    pupil.fit(little, epochs=5)
    on_few[f"run {seed + 1}"], on_all[f"run {seed + 1}"] = pupil.evaluate(few), pupil.evaluate(test)


# %% tags=["nbval-ignore-output"]
assert all(evaluation.total == 200 for evaluation in on_few.values())


def interval(evaluation):
    """(low, estimate, high) in percent."""
    low, high = metrics.wilson_interval(evaluation.correct, evaluation.total)
    return 100 * low, 100 * evaluation.accuracy, 100 * high


plotting.interval_bars(
    {f"{name}, {e[name].total:,} images": interval(e[name]) for name in on_few for e in (on_few, on_all)},
    "One recipe, several seeds: the book's 87 % is one of many answers",
    xlabel="test accuracy in %, with 95 % interval (dashed: 87 %)",
    marks=[87],
)
plt.show()
for name, evaluations in (("200 images", on_few), ("all test images", on_all)):
    values = [100 * evaluation.accuracy for evaluation in evaluations.values()]
    print(f"{name}: runs from {min(values):.1f} to {max(values):.1f} %, mean {np.mean(values):.1f} %")

# %%
assert all(np.ptp(interval(on_few[name])) > np.ptp(interval(on_all[name])) for name in on_few)
low, high = metrics.wilson_interval(174, 200)
apart = 1.96 * np.sqrt(2 * 0.87 * 0.13 / 200)
print(f"174 of 200 is 87 %, with an interval from {100 * low:.1f} to {100 * high:.1f} %")
print(
    f"two nets near 87 %, each tested on its own 200 images, must differ by {100 * apart:.1f} points to be told apart"
)

# %% [markdown]
# Two things move the result. The test images: that is the length of the bars, and more images shorten them. And the seed:
# that is how the bars lie to each other. An interval of one run does not include it, so a careful comparison repeats the
# training as well. Chapter 08 does.
#
# ## 7 Where does it err?

# %% tags=["nbval-ignore-output"]
logits = trainer.predict(test.images)
predictions = logits.argmax(axis=1)
confusion = metrics.confusion_matrix(predictions, test.labels, classes=10)
wrong = np.flatnonzero(predictions != test.labels)
worst = np.unravel_index((confusion * (1 - np.eye(10))).argmax(), confusion.shape)
plotting.confusion_grid(
    confusion, data.classes, f"{len(wrong)} of {len(test.labels):,} wrong; most often {worst[0]} read as {worst[1]}"
)
plt.show()

# %% tags=["nbval-ignore-output", "cover"]
assert confusion.sum() == len(test.labels)
assert np.trace(confusion) == result.correct
probabilities = softmax(logits.astype("float64"))
surest = wrong[np.argsort(-probabilities[wrong].max(axis=1))][:12]
titles = [f"{test.labels[k]}, read as {predictions[k]}\np = {probabilities[k].max():.4f}" for k in surest]
plotting.image_grid(
    test.images[surest, 0], titles, columns=6, size=1.45, message=f"The mistakes that it was surest of ({data.name})"
)
plt.show()

# %% [markdown]
# A row of the first picture is what was meant, a column what was read; the diagonal is what was right. The second shows
# wrong answers, each with the probability that the net gave it. A softmax adds up to one, but whether its 0.99 means
# "right 99 times in 100" is a question of its own (calibration, 校准), which chapter 10 measures.
#
# What has it learned? The first picture shows the six kernels of C1, the second one digit after C1 and ReLU, and the
# first six maps after C3.

# %% tags=["nbval-ignore-output"]
assert all(predictions[k] != test.labels[k] for k in surest)
kernels = net.c1.weight.numpy()[:, 0]
plotting.image_grid(kernels, [f"C1 kernel {k}" for k in range(6)], signed=True, size=1.2)
plt.show()
digit = prepare(paddle.to_tensor(test.images[:1]))
maps = explain.feature_maps(net, digit, ["c1", "c3"])
pictures = [*np.maximum(maps["c1"][0], 0), *np.maximum(maps["c3"][0, :6], 0)]
titles = [*[f"C1 map {k}" for k in range(6)], *[f"C3 map {k}" for k in range(6)]]
plotting.image_grid(pictures, titles, columns=6, size=1.3, message="Each map on its own scale: black is 0")
plt.show()

# %% [markdown]
# Where a kernel has a red side and a blue side it answers to a stroke's edge in that direction, as the kernels of chapter
# 01 did; nobody chose these. A map whose background is not black answers to the empty background as well.
#
# ## 8 And your own digit?
#
# Draw into the square with mouse, pen or finger. Your strokes are treated as the people who made MNIST treated theirs:
# scaled to 20 pixels, centred by their centre of mass. Until you draw, a stored example stands there:

# %%
assert {name: list(values.shape) for name, values in maps.items()} == {"c1": [1, 6, 28, 28], "c3": [1, 16, 10, 10]}
example = as_mnist(EXAMPLE)
plotting.image_grid([EXAMPLE, example[0, 0]], ["as drawn", "scaled and centred"], size=1.6)
plt.show()
print("one image", list(example.shape), example.dtype)


# %% tags=["nbval-ignore-output"]
def judge(image):
    """Probabilities [10] for one uint8 image [1, 1, 28, 28]."""
    framed = np.pad(image, ((0, 0), (0, 0), (2, 2), (2, 2)))
    return softmax(trainer.predict(framed).astype("float64"))[0]


chances = judge(example)
print(f"the example is read as {chances.argmax()}, with p = {chances.max():.4f}")

# %% tags=["demo", "nbval-ignore-output"]
draw_digit(judge)

# %% [markdown]
# Try a digit in a corner, a tiny one, one that is turned on its side. The first two are repaired before the net sees
# them; the third is not, and chapter 01 said why: nothing in a convolution knows about turning.
#
# That canvas asks your net for its answer. What happens on the way to one? **Move it yourself:** draw again, and follow
# your pen through every layer. The net below is another, which learns from a few digits while you wait, so it may err
# where yours does not:

# %% tags=["demo", "nbval-ignore-output"]
demos.show("digit_net")

# %% [markdown]
# ## Recap

# %% tags=["nbval-ignore-output"]
assert abs(chances.sum() - 1) < 1e-9
low, high = metrics.wilson_interval(result.correct, result.total)
print(f"data: {data.name}, {len(train.labels):,} to learn from, {len(test.labels):,} to test")
print(
    f"model: {table.trainable:,} parameters (1998: {parameters:,}), {100 * 48_120 / table.trainable:.0f} % of them in C5,"
)
print(f"       {table.macs:,} multiply-accumulates for one digit")
print(f"loss and optimizer: cross entropy, {history.column('loss')[0]:.3f} in the first epoch,", end=" ")
print(f"{history.column('loss')[-1]:.3f} in the last, by AdamW with one cycle")
print(f"evaluation: {100 * result.accuracy:.2f} % right, 95 % interval {100 * low:.2f} to {100 * high:.2f} %, one seed")

# %% [markdown]
# ## Where the course notes differ

# %%
assert low < result.accuracy < high
errata.table("06_lenet_digits")

# %% [markdown]
# For readers of the book: its `RunnerV3` is our `Trainer` (`train` is `fit`, `dev_scores` is
# `history.column("valid_accuracy")`, `save_model` is `save`), its `Accuracy` is `metrics.accuracy`, and its
# `plot_training_loss_acc` is `plotting.learning_curves`.
#
# ## Try it
#
# 1. Leave ReLU out of the net and train it again. Max-pooling is the only bend that is left: how far does it get?
# 2. Train with a tenth of the images. Does the interval of the accuracy still overlap with the one above?
# 3. Shift all test images by four pixels. What happens, and which layer could have prevented it?
# 4. How narrow must an interval be before you call one of two nets better? Write it down before chapter 08.
#
# To check yourself; each question opens to its answer.
#
# <details><summary>Which layer holds most of LeNet's parameters, and why?</summary>C5: its kernels cover the whole
# map, so no weight is used at more than one place.</details>
#
# <details><summary>Why is the loss of an ignorant net about 2.3?</summary>It gives each of ten digits one tenth, and
# the cross entropy is the logarithm of ten.</details>
#
# <details><summary>Why not choose the best epoch by the test images?</summary>Then they would have been part of the
# training, and the number would flatter.</details>
#
# <details><summary>How sure are we of 99.0 % on 10,000 images?</summary>The interval is about 0.4 points wide, for
# this one net and for digits like these.</details>
#
# **Next:** [chapter 07](07_alexnet_to_mobilenet.ipynb) and [chapter 08](08_resnet_digits.ipynb) make nets deeper.
#
# **Homework:** [homework 5](homework/hw5_networks.ipynb).
#
# ## References
#
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, *Gradient-based learning applied to document recognition*, 1998,
#   Proceedings of the IEEE 86.
# - E. B. Wilson, *Probable inference, the law of succession, and statistical inference*, JASA 22, 1927.
# - I. Loshchilov, F. Hutter, *Decoupled weight decay regularization*, ICLR 2019.
# - L. N. Smith, N. Topin, *Super-convergence: very fast training of neural networks using large learning rates*, 2018.
# - 邱锡鹏等，《神经网络与深度学习：案例与实践》, 2022, chapter 5: the book of the course.
