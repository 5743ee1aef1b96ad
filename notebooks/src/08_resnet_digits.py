# %% [markdown]
# # Residual networks on digits (残差网络)
#
# Why should a layer that may do nothing be so hard to learn, and what does a wire around it change?

# %% [markdown]
# {card}

# %% tags=["nbval-ignore-output"]
from course_utils import settings

run = settings.setup("08_resnet_digits", seed=8)

# %%
import warnings
from math import ceil, sqrt

import matplotlib.pyplot as plt
import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn

from course_utils import datasets, demos, errata, metrics, plotting
from course_utils.models import cifar_resnet, copy_weights, resnet18
from course_utils.models.resnet import BasicBlock, Bottleneck, copy_from_vision
from course_utils.summary import summarize
from course_utils.training import Trainer

# %% [markdown]
# Take a net that works, and put two more layers into it. The longer net can do all that the shorter one did: the new
# layers need only pass on what they get. So its training loss should not be higher. In 2015 it was (He et al. 2015): beyond
# some depth, longer nets did worse on the very images they learned from. They call it degradation (退化).
#
# ## 1 What does a residual unit compute?
#
# Layers that shall pass on $x$ unchanged must learn weights that happen to do so. A **residual unit** (残差单元) gets $x$
# for nothing and learns what to add:
#
# $$y = \mathrm{ReLU}(x + F(x))$$
#
# $$F(x) = \mathrm{BN}(W_2 * \mathrm{ReLU}(\mathrm{BN}(W_1 * x)))$$
#
# Here $*$ is a convolution, $W_1$ and $W_2$ are kernels of $3 \times 3$, and BN is BatchNorm: it shifts and scales each
# channel to mean 0 and spread 1 over the batch, then applies a factor and an offset that are learned (1 and 0 at first).
# The wire from $x$ to the sum is the **shortcut** (直连边), $F$ the residual (残差). To pass on $x$, the unit needs $F = 0$:
# one factor of 0 for each channel will do. Without the wire, all weights together would have to reproduce $x$.

# %% tags=["cover"]
two = ["3x3 conv, BN", "ReLU", "3x3 conv, BN"]
three = ["1x1 conv, BN", "ReLU", "3x3 conv, BN", "ReLU", "1x1 conv, BN"]
units = {
    "plain": ([*two, "ReLU"], None),
    "residual": ([*two, "+", "ReLU"], "identity"),
    "halving the map": (["3x3 conv /2, BN", *two[1:], "+", "ReLU"], "1x1 conv\n/2, BN"),
    "bottleneck": ([*three, "+", "ReLU"], "identity"),
}
plotting.unit_diagrams(units, "A residual unit learns what to add to its input")
plt.show()

# %% [markdown]
# The sum needs equal shapes. Where a unit halves the map and doubles the channels (third picture, /2 is stride 2), the
# shortcut does the same by a **1×1 convolution**: a matrix that mixes the channels of each pixel, the projection (投影).
#
# Here is the unit in Paddle's layers, from $D$ channels to $P$. All that is new is the last line.


# %%
class Unit(nn.Layer):
    """x [N, D, H, W] -> y [N, P, H', W'], where H' = H / stride, W' = W / stride."""

    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2D(in_channels, out_channels, 3, stride, padding=1, bias_attr=False)
        self.bn1 = nn.BatchNorm2D(out_channels)
        self.conv2 = nn.Conv2D(out_channels, out_channels, 3, padding=1, bias_attr=False)
        self.bn2 = nn.BatchNorm2D(out_channels)
        self.shortcut = nn.Identity()
        if stride > 1 or in_channels != out_channels:
            projection = nn.Conv2D(in_channels, out_channels, 1, stride, bias_attr=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2D(out_channels))

    def forward(self, x):
        residual = F.relu(self.bn1(self.conv1(x)))  # [N, P, H', W']
        residual = self.bn2(self.conv2(residual))  # [N, P, H', W']
        return F.relu(self.shortcut(x) + residual)


# %% [markdown]
# The convolutions have no bias, since BN would subtract it again. The course's `BasicBlock` is the same unit. And for given
# weights, chapter 01's convolution and the definition of BN are all that is needed:


# %%
def batch_norm(x, eps=1e-5):
    """Mean 0 and spread 1 for each channel, over batch and places; x [N, C, H, W]."""
    mean = x.mean([0, 2, 3], keepdim=True)
    variance = ((x - mean) ** 2).mean([0, 2, 3], keepdim=True)
    return (x - mean) / paddle.sqrt(variance + eps)


def by_hand(unit, x):
    """A fresh unit that keeps the shape: BN's factors are 1 and its offsets 0."""
    residual = F.relu(batch_norm(F.conv2d(x, unit.conv1.weight, padding=1)))
    return F.relu(x + batch_norm(F.conv2d(residual, unit.conv2.weight, padding=1)))


paddle.seed(run.seed)
x = paddle.randn([8, 16, 14, 14])
for own, block in ((Unit(16, 16), BasicBlock(16, 16)), (Unit(16, 32, stride=2), BasicBlock(16, 32, stride=2))):
    copy_weights(own, block)
    expected = block(x).numpy()
    same = np.abs(own(x).numpy() - expected).max() < 1e-5 * np.abs(expected).max()
    print(list(x.shape), "->", list(expected.shape), "- equal to BasicBlock within 1e-5:", bool(same))
unit = Unit(16, 16)
print("by hand, equal within 1e-5:", bool((by_hand(unit, x) - unit(x)).abs().max() < 1e-5))

# %% [markdown]
# **Predict first:** a bottleneck (瓶颈) first narrows 256 channels to 64, convolves there, and widens them again. How much
# of the parameters, and of the multiplications with additions (MACs), of two 3×3 convolutions on all 256 channels is left?

# %%
wide, narrow = BasicBlock(256, 256), Bottleneck(256, 64)
for name, block in (("two 3x3 on 256 channels", wide), ("bottleneck 256-64-256", narrow)):
    table = summarize(block, (1, 256, 14, 14))
    print(f"{name:24} {table.trainable:10,} parameters {table.macs:12,} MACs on a 14x14 map")
print(f"by hand: {2 * 9 * 256 * 256 + 4 * 256:,} and {256 * 64 + 9 * 64 * 64 + 64 * 256 + 2 * (64 + 64 + 256):,}")

# %% [markdown]
# (The last summands are BN's factors and offsets.) That saving is what nets of 50 layers and more are built on. ResNet-18
# and ResNet-34 use the unit with two convolutions.
#
# ## 2 What does a unit do before it has learned anything?
#
# If the factors of the last BN start at 0 instead of 1 (`zero_init_last`), the residual starts at 0, and the unit should be
# the identity. The net then starts as a shallow one, and grows deep as it learns (Goyal et al. 2017). **Predict first:** is
# the unit the identity for every input?

# %%
paddle.seed(run.seed)
silent = BasicBlock(16, 16, zero_init_last=True)
positive = F.relu(x)
print("x not negative: y equals x:", bool((silent(positive) == positive).all()))
print("x of both signs: y equals x:", bool((silent(x) == x).all()))
print("x of both signs: y equals ReLU(x):", bool((silent(x) == positive).all()))

# %% [markdown]
# The ReLU after the sum keeps only what is positive, but the input of a unit is the output of a ReLU, so nothing is lost.
#
# The order matters. If a ReLU stood right before the sum, a residual could never be negative, and $x$ could only grow. If
# BN stood after the sum, it would rescale the shortcut too, and the wire would no longer be one. He et al. (2016) moved BN
# and ReLU in front of each convolution instead ("pre-activation"): then nothing at all stands on the way from $x$ to the
# next sum, and nets of a thousand layers could be trained.
#
# ## 3 What goes wrong with depth?
#
# Take nets with and without shortcuts, untrained, and send one batch of digits through. We build each pair as **twins**:
# the same weights wherever both have one. They have four stages as ResNet-18 has, and an eighth of its width, to be quick.
# A depth of 18 means 18 layers with weights, one after the other.

# %% tags=["nbval-ignore-output"]
data = datasets.digits()
print(data.source)
print("Cite:", data.citation)
print("Licence:", data.licence)


# %%
def twins(depth, seed):
    """A plain and a residual net that start with the same weights wherever both have one."""
    paddle.seed(seed)
    form = {"widths": (8, 16, 32, 64), "in_channels": 1, "stem_stride": 2}
    residual = cifar_resnet(depth, **form)
    plain = cifar_resnet(depth, **form, use_residual=False)
    plain.set_state_dict({name: w for name, w in residual.state_dict().items() if ".shortcut." not in name})
    return {"plain": plain, "residual": residual}


assert data.train.size > 1_000
for depth in (10, 18, 42):
    pair = twins(depth, run.seed)
    weights = {name: net.state_dict() for name, net in pair.items()}
    shared = [bool((weights["residual"][key] == value).all()) for key, value in weights["plain"].items()]
    plain, residual = (summarize(pair[name], (1, 1, 28, 28)).trainable for name in pair)
    print(
        f"depth {depth}: {plain:,} parameters, with shortcuts {residual:,}; the {len(shared)} shared arrays are",
        end=" ",
    )
    print("equal" if all(shared) else "not equal")

# %% [markdown]
# Only the three projections are extra, and their share shrinks with depth.
#
# We look at two things after each unit: the variance of its output, and the norm of the loss's gradient with respect to
# that output, which says how strongly the loss feels what happens there. **Predict first:** in deep nets of sigmoids
# gradients die (chapter 03). Here every layer has a BN. Will the gradient at the first unit of 42 plain layers be smaller
# than at the last one, or larger?


# %%
def by_depth(net, images, labels):
    """After each unit: variance of the output, and norm of the loss's gradient there; [units, 2]."""
    x, outputs = F.relu(net.bn1(net.conv1(images))), []
    for unit in net.units().values():
        x = unit(x)
        x.retain_grads()
        outputs.append(x)
    F.cross_entropy(net.fc(x.mean([2, 3])), labels).backward()
    return [(float(y.var()), float(y.grad.norm())) for y in outputs]


images = paddle.to_tensor(data.train.images[:64]).astype("float32") / 255
labels = paddle.to_tensor(data.train.labels[:64])
profiles = {"plain": [], "residual": []}
for seed in range(run.pick(full=5, quick=3)):
    for name, net in twins(42, seed).items():
        profiles[name].append(by_depth(net, images, labels))
print("units:", len(profiles["plain"][0]), "- so layers with weights:", 2 * len(profiles["plain"][0]) + 2)

# %% tags=["nbval-ignore-output"]
figure, axes = plt.subplots(1, 2, figsize=(9, 3.6))
for k, (axis, what) in enumerate(zip(axes, ("variance of the output", "norm of the gradient"), strict=True)):
    bands = {}
    for name, runs in profiles.items():
        logarithms = metrics.mean_interval(np.log(np.array(runs)[:, :, k]))
        bands[name] = tuple(np.exp(part) for part in logarithms)
    plotting.interval_curves(axis, np.arange(1, len(runs[0]) + 1), bands)
    axis.set_xlabel("unit, from input to output")
    axis.set_title(what, fontsize=12)
axes[0].set_ylim(bottom=0)
axes[1].set_yscale("log")
axes[0].legend()
figure.suptitle(
    "Without shortcuts the gradient grows from unit to unit toward the input", x=0.01, ha="left", fontsize=14
)
plt.show()
growth = {name: np.array(runs)[:, 0, 1] / np.array(runs)[:, -1, 1] for name, runs in profiles.items()}
layers = 2 * (len(profiles["plain"][0]) - 1)  # between the first unit's output and the last one's
for name, factors in growth.items():
    times = np.median(factors)
    print(
        f"{name}: gradient at the first unit / at the last: {times:.0f}, a factor of {times ** (1 / layers):.2f} a layer"
    )

# %%
assert min(growth["plain"]) > 5 * max(growth["residual"])
print("the gradient grows toward the input, in every plain net more than 5 times as much as in any residual one")

# %% [markdown]
# It does not vanish, it explodes (梯度爆炸). On the way forward nothing looks wrong: BN sets the spread anew in every layer,
# so the plain curve on the left is flat. On the way back each plain layer multiplies the gradient by a little more than 1,
# and such a factor for each layer makes an exponential. Yang et al. (2019) derive it for wide nets, and find BN itself to be
# the cause. A learning rate that is right for the last layers is then far too large for the first.
#
# With shortcuts, $\partial y / \partial x = 1 + \partial F / \partial x$ where the ReLU passes: the 1 hands the gradient back
# as it is. And the other part shrinks along a stage: each unit adds a residual, so the variance of $x$ climbs (left; the
# projection that begins a stage has a BN, which sets it back), and the BN in $F$ divides by this larger spread.
#
# **Move it yourself:** make the net deeper and its weights larger, with shortcuts and without, with BN and without:

# %% tags=["demo", "nbval-ignore-output"]
demos.show("residual")

# %% [markdown]
# ## 4 Where are ResNet-18's parameters, and is ours the right one?
#
# Now ResNet-18 in full: a stem of 7×7 with stride 2 and max-pooling, which quarter the side of the map, four stages of two
# units, the mean over the map, and one linear layer.

# %%
table = summarize(resnet18(), (1, 3, 224, 224))
stages = {}
for row in table.rows:
    stage = row.name.split(".")[0]
    stages.setdefault("stem" if stage in ("conv1", "bn1", "maxpool") else stage, []).append(row)
print(f"{'stage':8} {'output':18} {'parameters':>11} {'MACs':>14}")
for name, rows in stages.items():
    parameters, macs = sum(row.trainable for row in rows), sum(row.macs for row in rows)
    print(f"{name:8} {list(rows[-1].output_shape)!s:18} {parameters:11,} {macs:14,}")
assert table.trainable == 11_689_512
print(f"{'total':27} {table.trainable:11,} {table.macs:14,}")
print(f"running means and variances: {table.statistics:,}")

# %% [markdown]
# Stage by stage the map has a quarter of the pixels and the kernels have four times the weights, so the work stays about
# the same, and the last stage holds most of the parameters. The running means and variances, which BN uses in evaluation,
# are no parameters here, since no gradient reaches them (`paddle.summary` adds them).
#
# Is it the same net as Paddle's own? The book copies the weights of `paddle.vision.models.resnet18` and finds a difference
# of 0. Is that enough? We copy in two ways, one of which leaves out the BN of the shortcuts, and compare the outputs of two
# nets: a fresh one, and one whose running statistics differ, as after training. **Predict first:** which of the four
# comparisons fails?


# %%
def shake(net):
    """Other running statistics than those that every net starts with."""
    generator = np.random.default_rng(run.seed)
    for layer in net.sublayers():
        if isinstance(layer, nn.BatchNorm2D):
            layer._mean.set_value(generator.normal(0, 0.1, layer._mean.shape).astype("float32"))
            layer._variance.set_value(generator.uniform(0.5, 1.5, layer._mean.shape).astype("float32"))


def copy_in_part(theirs, own):
    """Without the BN of the shortcuts; Paddle warns of each that it misses, and goes on."""
    named = {key.replace(".downsample.", ".shortcut."): value for key, value in theirs.state_dict().items()}
    with warnings.catch_warnings(record=True):
        own.set_state_dict({key: value for key, value in named.items() if ".shortcut.1." not in key})


# %%
photo = paddle.randn([1, 3, 32, 32])
for state in ("fresh", "shaken"):
    for how, copy in (("all names", copy_from_vision), ("the shortcuts' BN left out", copy_in_part)):
        theirs, own = paddle.vision.models.resnet18(), resnet18()
        if state == "shaken":
            shake(theirs)
        copy(theirs, own)
        theirs.eval()
        own.eval()
        same = bool((own(photo) - theirs(photo)).abs().max() < 1e-5)
        print(f"{state:6} statistics, {how:26} - equal within 1e-5:", same)

# %% [markdown]
# The book's copy is the second: a misspelt name, `shorcutt`, drops the BN of every shortcut. The check passes because all
# fresh BNs are alike. Two habits would have found it: test with values that differ from the defaults, and make every name
# count. `copy_weights` refuses what does not fit:

# %%
try:
    copy_weights(paddle.vision.models.resnet18(), resnet18(), rename={".downsample.": ".shorcutt."})
except ValueError as error:
    print(error)

# %% [markdown]
# ## 5 Do shortcuts help, and from which depth on?
#
# The book trains three nets on 1,000 digits, each once: ResNet-18 without shortcuts at a learning rate of 0.005 (81 % of 200
# test images right), with shortcuts at 0.01 (88 %), and a LeNet at 0.1 (87 %). It concludes that depth hurts without
# shortcuts, and that shortcuts mend it.
#
# What do 200 images say? Chapter 06's Wilson interval is about one net. For the difference of two shares, $d = p_2 - p_1$,
# Newcombe (1998) joins their intervals $[l_1, u_1]$ and $[l_2, u_2]$ as errors that are independent, by squares:
#
# $$\text{from} \quad d - \sqrt{(p_2 - l_2)^2 + (u_1 - p_1)^2}$$
#
# $$\text{to} \quad d + \sqrt{(u_2 - p_2)^2 + (p_1 - l_1)^2}$$


# %%
def newcombe(first, second, total):
    """95 % interval of the second share minus the first, each of `total` images of its own."""
    p1, p2 = first / total, second / total
    (l1, u1), (l2, u2) = (metrics.wilson_interval(correct, total) for correct in (first, second))
    return p2 - p1 - sqrt((p2 - l2) ** 2 + (u1 - p1) ** 2), p2 - p1 + sqrt((u2 - p2) ** 2 + (p1 - l1) ** 2)


book = {"LeNet": round(0.87 * 200), "plain": round(0.81 * 200), "residual": round(0.88 * 200)}
for first, second in (("plain", "residual"), ("plain", "LeNet"), ("LeNet", "residual")):
    low, high = newcombe(book[first], book[second], 200)
    print(f"{second} minus {first}: {(book[second] - book[first]) / 2:.1f} points,", end=" ")
    print(f"95 % interval {100 * low:.1f} to {100 * high:.1f}: {'not 0' if low > 0 else '0 is possible'}")

# %% [markdown]
# None of the three is shown, even before we ask about the seed and the learning rate. So we do it again, and write down
# beforehand how:
#
# - three depths, 10, 18 and 42 layers; twins: the same first weights, the same images in the same order;
# - SGD with momentum 0.9, batch 32, one cycle of the learning rate (chapter 06); its peak is chosen for each kind of net
#   by a sweep, on validation images;
# - several seeds, none of them used in the sweep, and each net tested on all test images;
# - what counts is the *difference within a pair*, with a 95 % interval over the seeds.

# %%
depths = run.pick(full=(10, 18, 42), quick=(18, 42))
rates = run.pick(full=(0.01, 0.03, 0.1, 0.3), quick=(0.03, 0.1))
seeds = range(run.pick(full=5, quick=3))
train = data.train.take(run.pick(full=2_000, quick=1_000))
valid = datasets.Split(data.train.images[-1_000:], data.train.labels[-1_000:])
valid = valid.take(min(1_000, data.train.size - train.size))
test = data.test.take(run.pick(full=10_000, quick=360))
epochs = run.pick(full=4, quick=2)


def trained(net, rate, seed):
    """A Trainer that has trained the net; the seed decides the order of the images."""
    steps = epochs * ceil(train.size / 32)
    schedule = paddle.optimizer.lr.OneCycleLR(rate, steps, divide_factor=10, end_learning_rate=rate / 1000)
    optimizer = paddle.optimizer.Momentum(schedule, 0.9, parameters=net.parameters())
    trainer = Trainer(net, optimizer, batch_size=32, seed=seed, report=None)
    trainer.fit(train, epochs=epochs)
    return trainer


# %% [markdown]
# First the sweep (one run a rate at the greatest depth). **Predict first:** at which depth will the two kinds differ?


# %% tags=["nbval-ignore-output"]
def sweep(depth, tries):
    """Validation accuracy of both kinds at every rate: (kind, rate) -> one number a try."""
    scores = {(name, rate): [] for name in ("plain", "residual") for rate in rates}
    for seed in range(100, 100 + tries):
        for rate in rates:
            for name, net in twins(depth, seed).items():
                scores[name, rate].append(trained(net, rate, seed).evaluate(valid).accuracy)
    return scores


tries = run.pick(full=2, quick=1)
swept = {depth: sweep(depth, tries) for depth in depths[:-1]}
print(f"{train.size:,} images to learn from, {valid.size:,} to choose the rate, {test.size:,} to test")

# %% tags=["nbval-ignore-output"]
assert all(len(scores) == 2 * len(rates) for scores in swept.values())
swept[depths[-1]] = sweep(depths[-1], 1)
best = {
    (depth, name): max(rates, key=lambda rate: np.mean(swept[depth][name, rate]))
    for depth in depths
    for name in ("plain", "residual")
}
figure, axes = plt.subplots(1, len(depths), figsize=(9, 3.5), sharey=True)
for axis, depth in zip(axes, depths, strict=True):
    for k, name in enumerate(("plain", "residual")):
        errors = 100 - 100 * np.array([swept[depth][name, rate] for rate in rates])
        axis.plot(rates, errors.mean(axis=1), color=f"C{k}", label=name)
        axis.plot(rates, errors, "o", color=f"C{k}", markersize=5)
    axis.axhline(90, color="0.5", linewidth=1, linestyle=":")
    axis.set(xscale="log", yscale="log", xlabel="peak learning rate")
    axis.set_xticks(rates, labels=rates)
    axis.set_yticks([1, 2, 5, 10, 20, 50], labels=[1, 2, 5, 10, 20, 50])
    axis.minorticks_off()
    axis.set_title(f"{depth} layers")
axes[0].set_ylabel("validation error in %")
axes[0].legend()
figure.suptitle(
    "No learning rate saves the deep plain net (dots: runs; dotted: chance)", x=0.01, ha="left", fontsize=14
)
plt.show()

# %% [markdown]
# Read one line from left to right before you compare two: how far does a factor of two or three in the rate, as between the
# book's runs, move one and the same net?
#
# Now the experiment. Twins at the same rate, namely the one that suits the *plain* net best, so that nobody can say that
# the rate favoured the shortcuts; and the residual net again at its own best rate. (Where that is the same rate, the same
# runs count, and the two rows agree.)


# %% tags=["nbval-ignore-output"]
def compare(depth):
    """Three arms -> one Evaluation a seed on the test images; and the trainers of the last seed."""
    arms = {"plain": [], "residual, same rate": [], "residual, own rate": []}
    for seed in seeds:
        pair = {name: trained(net, best[depth, "plain"], seed) for name, net in twins(depth, seed).items()}
        arms["plain"].append(pair["plain"].evaluate(test))
        arms["residual, same rate"].append(pair["residual"].evaluate(test))
        if best[depth, "residual"] != best[depth, "plain"]:
            pair["residual"] = trained(twins(depth, seed)["residual"], best[depth, "residual"], seed)
        arms["residual, own rate"].append(pair["residual"].evaluate(test))
    return arms, pair


assert set(best.values()) <= set(rates)
arms, kept = {}, {}
for depth in depths[:-1]:
    print(f"{depth} layers, rates: plain {best[depth, 'plain']}, residual {best[depth, 'residual']}")
    arms[depth], kept[depth] = compare(depth)
    for name, runs in arms[depth].items():
        print(f"  {name:20}", "".join(f"{100 * evaluation.accuracy:7.1f}" for evaluation in runs))

# %% tags=["nbval-ignore-output"]
assert all(len(runs) == len(seeds) for of_depth in arms.values() for runs in of_depth.values())
print(f"{depths[-1]} layers, rates: plain {best[depths[-1], 'plain']}, residual {best[depths[-1], 'residual']}")
arms[depths[-1]], kept[depths[-1]] = compare(depths[-1])
for name, runs in arms[depths[-1]].items():
    print(f"  {name:20}", "".join(f"{100 * evaluation.accuracy:7.1f}" for evaluation in runs))

# %% tags=["nbval-ignore-output"]
assert all(evaluation.total == test.size for evaluation in arms[depths[-1]]["plain"])
accuracy = {
    (depth, name): 100 * np.array([evaluation.accuracy for evaluation in runs])
    for depth in depths
    for name, runs in arms[depth].items()
}
gains = {
    f"{depth} layers, {rate} rate": metrics.mean_interval(
        accuracy[depth, f"residual, {rate} rate"] - accuracy[depth, "plain"]
    )
    for depth in depths
    for rate in ("same", "own")
}
plotting.interval_bars(
    gains,
    "Shortcuts add most to the deepest net",
    xlabel="test accuracy, residual minus plain twin, in points (dashed: 0)",
    marks=[0],
)
plt.show()
for name, (low, gain, high) in gains.items():
    verdict = "shortcuts help" if low > 0 else "shortcuts harm" if high < 0 else "not shown either way"
    print(f"{name}: {gain:+.2f} points, 95 % interval {low:.2f} to {high:.2f}: {verdict}")

# %% [markdown]
# And the book's first claim, that deeper is worse without shortcuts? The same runs answer it, though nets of two depths
# share no first weights, only the order of the images.

# %% tags=["nbval-ignore-output"]
assert gains[f"{depths[-1]} layers, own rate"][0] > 0
assert max(gains, key=lambda name: gains[name][1]).startswith(f"{depths[-1]} ")
figure, axis = plt.subplots(figsize=(8, 3.6))
bands = {
    name: tuple(
        np.array(part) for part in zip(*[metrics.mean_interval(accuracy[depth, arm]) for depth in depths], strict=True)
    )
    for name, arm in (("plain", "plain"), ("residual", "residual, own rate"))
}
plotting.interval_curves(axis, depths, bands, chance=10)
axis.set(xlabel="layers with weights", ylabel="test accuracy in %", xticks=depths, ylim=(0, 101))
axis.set_title("Depth costs the plain net far more (bands: 95 % intervals)")
axis.legend(loc="center left")
plt.show()
shallow, deep = depths[0], depths[-1]
for name, arm in (("plain", "plain"), ("residual", "residual, own rate")):
    for first, second in ((shallow, depths[-2]), (depths[-2], deep)):
        if first != second:
            low, loss, high = metrics.mean_interval(accuracy[second, arm] - accuracy[first, arm])
            print(f"{name}, {second} layers minus {first}: {loss:+.1f} points, {low:.1f} to {high:.1f}")

# %%
fall = {arm: accuracy[depths[-2], arm].mean() - accuracy[deep, arm].mean() for arm in ("plain", "residual, own rate")}
assert fall["plain"] > max(10, 2 * fall["residual, own rate"])
losses = {name: trainer.history.column("loss")[-1] for name, trainer in kept[deep].items()}
assert losses["plain"] > losses["residual"]
print(
    f"from {depths[-2]} to {deep} layers the plain net loses more than 10 points, and its training loss is the higher one"
)

# %% [markdown]
# So the book is right about deep nets, and its experiment could not know: at 18 layers, with the rate chosen for each kind,
# the difference is small beside that at 42. The paper saw the same on ImageNet (its table 2): at 18 layers plain and
# residual net err equally often, 27.9 %; at 34 layers it is 28.5 % and 25.0 %.
#
# What the intervals cover: other first weights and orders of the images. What they do not: other training images, other
# recipes, other test images. And depth is no virtue in itself: compare the shallowest nets with the deepest. Shortcuts make
# depth *possible*; whether it pays, the task decides.
#
# ## 6 Is a residual net a sum of many small ones?
#
# Boosting (提升) builds a predictor as a sum, step by step, where each new term is fitted to what the sum so far leaves
# wrong. A stage of a residual net is a sum too: $x_{k+1} = \mathrm{ReLU}(x_k + F_k(x_k))$. So the course notes compare the
# two. Veit et al. (2016) tried: take a *trained* net, switch off one unit, so that it only passes on its input, and test.
# (A plain unit that changes the shape cannot pass it on, and stays on.)
#
# **Predict first:** how far does the accuracy fall, for the residual net and for the plain one?


# %%
def switched_off(unit):
    """Let only the shortcut through; a unit without one passes its input on. Returns a handle to undo it."""
    way = unit.shortcut if unit.shortcut is not None else nn.Identity()
    return unit.register_forward_post_hook(lambda layer, inputs, output: F.relu(way(inputs[0])))


def accuracy_without_each(trainer, images):
    """Accuracy with one unit switched off, for each unit that keeps the shape or has a shortcut."""
    found = {}
    for name, unit in trainer.net.units().items():
        if unit.shortcut is None and name in ("layer2.0", "layer3.0", "layer4.0"):
            continue
        handle = switched_off(unit)
        found[name] = 100 * trainer.evaluate(images).accuracy
        handle.remove()
    return found


unit, x = BasicBlock(8, 8), F.relu(paddle.randn([2, 8, 5, 5]))
handle = switched_off(unit)
off = bool((unit(x) == x).all())
handle.remove()
back = bool((unit(x) == x).all())
print("a unit that is switched off passes x on:", off, "- switched on again:", back)

# %% tags=["nbval-ignore-output"]
some = test.take(run.pick(full=1_000, quick=200))
without = {
    (depth, name): accuracy_without_each(kept[depth][name], some) for depth in depths[-2:] for name in kept[depth]
}
figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharey=True, width_ratios=(2, 5))
for axis, depth in zip(axes, depths[-2:], strict=True):
    names = list(without[depth, "residual"])
    for k, name in enumerate(("plain", "residual")):
        places = [names.index(unit) for unit in without[depth, name]]
        axis.plot(places, list(without[depth, name].values()), "so"[k], color=f"C{k}", label=f"{name}, one unit off")
        axis.axhline(100 * kept[depth][name].evaluate(some).accuracy, color=f"C{k}", label=f"{name}, all on")
    axis.axhline(10, color="0.5", linewidth=1, linestyle=":")
    axis.set_xticks(range(len(names)), labels=[name.removeprefix("layer") for name in names], rotation=90)
    axis.set(xlabel="unit (stage.place)", ylim=(0, 101))
    axis.set_title(f"{depth} layers")
axes[0].set_ylabel("test accuracy in %")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=10)
figure.suptitle(
    "A residual net can miss most of its units, one at a time (dotted: chance)", x=0.01, ha="left", fontsize=14
)
plt.show()

# %%
typical = np.median(list(without[deep, "residual"].values()))
assert typical > np.median(list(without[depths[-2], "plain"].values()))
assert typical > 0.6 * 100 * kept[deep]["residual"].evaluate(some).accuracy
print(f"residual net of {deep} layers, one unit off: in the median more than 60 % of the accuracy is left")

# %% [markdown]
# A member of a sum can be left out, and the rest still stands; a link of a chain cannot. The plain net shows the contrast at
# 18 layers, where it works; the deep one has little to lose. Look which units are missed most: where a stage begins, the sum
# has few terms yet.
#
# To this extent the comparison holds. But boosting fits its terms one after the other and never touches the earlier ones,
# while here all units learn at once: nobody asked a unit to fit what is left. And a switched-off unit hands its successors
# values whose mean and variance their BN does not expect, so part of each fall is due to the operation itself.
#
# ## Recap

# %% tags=["nbval-ignore-output"]
assert len(without) == 4
count = len(profiles["plain"][0])
print(f"data: {data.name}; trained on {train.size:,} digits, tested on {test.size:,}; {len(seeds)} seeds")
print(f"untrained, {count} units: gradient at the first / at the last", end=" ")
print(f"{np.median(growth['plain']):.0f} plain, {np.median(growth['residual']):.0f} residual")
for depth in depths:
    low, gain, high = gains[f"{depth} layers, own rate"]
    print(
        f"{depth} layers: plain {accuracy[depth, 'plain'].mean():.1f} %, residual "
        f"{accuracy[depth, 'residual, own rate'].mean():.1f} %, difference {gain:+.2f} [{low:.2f}, {high:.2f}]"
    )
print(
    f"residual, {deep} layers, one unit off: median {typical:.1f} %, worst {min(without[deep, 'residual'].values()):.1f} %"
)

# %% [markdown]
# - A residual unit learns what to add; with factors of 0 in its last BN it passes on what a ReLU gave.
# - In deep plain nets with BN the gradient explodes on the way back; shortcuts hand it on, and it grows far less.
# - Deeper is worse without shortcuts, but a comparison must choose the rate for each net and repeat the seeds to show it.
# - A copy of weights is proved only by values that differ from the defaults, with every name accounted for.
#
# ## Where the course notes differ

# %%
assert all(low <= gain <= high for low, gain, high in gains.values())
errata.table("08_resnet_digits")

# %% [markdown]
# ## Try it
#
# 1. Put `zero_init_last=True` into `twins`. Which gradients of a residual branch are 0 in the first step, and do the deep
#    nets learn faster or slower?
# 2. Move the ReLU of `Unit` in front of the sum and train ten such units. What happens to the variance by depth?
# 3. Switch off two units at once, then three. Does it matter which?
# 4. Train the deep nets for four times as many epochs. Does the plain one catch up?
#
# To check yourself; each question opens to its answer.
#
# <details><summary>Why can degradation not be overfitting?</summary>The deeper net has the higher loss on the images it
# learns from.</details>
#
# <details><summary>When does a shortcut need a 1×1 convolution?</summary>When the unit changes the number of channels or
# the size of the map.</details>
#
# <details><summary>Why does the last stage hold most parameters, but no more work?</summary>Its kernels have the most
# channels, and its map has the fewest places.</details>
#
# <details><summary>Why is one learning rate for both nets not automatically fair?</summary>It may suit one of them. Fair
# is the best rate of each, chosen on images that are not tested on.</details>
#
# **Next:** [chapter 09](09_resnet_cifar10.ipynb) takes a residual net to photographs.
#
# **Homework:** [homework 5](homework/hw5_networks.ipynb).
#
# ## References
#
# - K. He, X. Zhang, S. Ren, J. Sun, *Deep residual learning for image recognition*, 2015; CVPR 2016.
# - K. He, X. Zhang, S. Ren, J. Sun, *Identity mappings in deep residual networks*, ECCV 2016.
# - A. Veit, M. Wilber, S. Belongie, *Residual networks behave like ensembles of relatively shallow networks*, NIPS 2016.
# - G. Yang, J. Pennington, V. Rao, J. Sohl-Dickstein, S. Schoenholz, *A mean field theory of batch normalization*, ICLR
#   2019.
# - P. Goyal et al., *Accurate, large minibatch SGD: training ImageNet in 1 hour*, 2017: the last factor of BN starts at 0.
# - R. G. Newcombe, *Interval estimation for the difference between independent proportions*, Statistics in Medicine 17, 1998.
# - 邱锡鹏等，《神经网络与深度学习：案例与实践》, 2022, section 5.4: the experiment of the book.
