# %% [markdown]
# # A residual network on CIFAR-10 (图像分类)
#
# Ten kinds of small photographs, the book's recipe, and a ladder of changes to it: one at a time, each with its price and
# with what it buys.

# %% [markdown]
# {card}

# %% tags=["nbval-ignore-output"]
from course_utils import settings

run = settings.setup("09_resnet_cifar10", seed=9)

# %%
import tempfile
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import inference, nn
from skimage.transform import resize

from course_utils import augment, datasets, errata, explain, ladder, metrics, plotting, recipes, results, timing
from course_utils.models import resnet18
from course_utils.models.resnet import BasicBlock, ResNet
from course_utils.training import Trainer

# %% [markdown]
# The book takes ResNet-18 as it stands, made for photographs of 224 × 224 pixels and a thousand classes, trains it on
# CIFAR-10 for thirty epochs and reports 72 % of the test images right. Recipes of today reach 94 % and more with the same
# kind of net. What lies between? To find out we climb a ladder: each rung changes one thing, and we ask whether it helped.
#
# ## 1 What is on the pictures?

# %% tags=["nbval-ignore-output"]
data = datasets.cifar10()
print(data.source)
print("Cite:", data.citation)
print("Licence:", data.licence)
first = [np.flatnonzero(data.train.labels == label)[:6] for label in range(10)]
framed = [np.pad(data.train.images[places], ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=255) for places in first]
columns = [six.transpose(0, 2, 3, 1).reshape(6 * 34, 34, 3) for six in framed]
plotting.image_grid(columns, data.classes, size=1.15, message=f"The first six pictures of each class ({data.name})")
plt.show()

# %%
counts = np.bincount(data.train.labels, minlength=10), np.bincount(data.test.labels, minlength=10)
assert len(data.classes) == len(first) == 10
assert all(count.max() == count.min() for count in counts)
print("a picture:", list(data.train.images.shape[1:]), data.train.images.dtype, "- red, green and blue, 32 x 32 pixels")
print("every class is as frequent as any other, in training and in test: always answering one class gives 10 %")

# %% [markdown]
# Balanced classes make the accuracy a fair measure, and chance is 10 %. For choices that we make on the way we hold out a
# tenth of the training pictures as validation set, drawn so that each class keeps its share. Nothing is chosen by the test
# pictures.
#
# Nets learn best from values around 0 with a spread of about 1, so each channel is shifted and scaled by its mean and
# standard deviation over the training pictures. The book copies three standard deviations that circulate on the web,
# 0.2023, 0.1994 and 0.2010. **Predict first:** are they what the pictures say?

# %% tags=["nbval-ignore-output"]
train, valid = data.train.stratified(data.train.size // 10, seed=run.seed)
mean, std = datasets.channel_statistics(data.train.images)  # for values of 0 to 1
each = np.mean([picture.reshape(3, -1).std(axis=1, ddof=1) for picture in data.train.images], axis=0) / 255
print("                       red     green   blue")
print("mean              ", "".join(f"{value:8.4f}" for value in mean))
print("std of all pixels ", "".join(f"{value:8.4f}" for value in std))
print("std in one picture", "".join(f"{value:8.4f}" for value in each), f" (mean of {data.train.size:,} pictures)")

# %%
prepare = augment.standardize(mean, std)  # uint8 [N, 3, 32, 32] -> float32
values = prepare(paddle.to_tensor(data.train.images[:5_000])).numpy()
by_hand = (data.train.images[:5_000] / 255 - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))
assert np.abs(values - by_hand).max() < 1e-5 * np.abs(by_hand).max()
assert (np.array(std) > each).all()
if data.real:
    assert np.abs(each - [0.2023, 0.1994, 0.2010]).max() < 1e-4
print("(x / 255 - mean) / std, channel by channel: equal within 1e-5")
print("the spread within one picture is smaller than that of all pixels, in every channel")

# %% [markdown]
# On CIFAR-10 the book's numbers are the third row: the spread *within* a picture, averaged. Pictures also differ from
# each other, one is dark and another bright, and that is missing in them. Before a batch normalization it hardly matters.
#
# ## 2 How do we get more pictures than there are?
#
# A cat that stands four pixels further left, or looks the other way, is still a cat. So at every step each picture is
# changed a little: moved by up to 4 pixels each way, and mirrored in half of the cases. That is data augmentation
# (数据增强), and the net rarely sees quite the same picture twice. What comes in from outside is 0: black in the pictures
# below, the mean colour in training, where the values have been shifted before. Mirrored border and hole are other
# habits; we do without.

# %% tags=["nbval-ignore-output"]
steps = {
    "moved": augment.crop(4),
    "moved, mirrored border": augment.crop(4, reflect=True),
    "flipped or not": augment.flip(),
    "with a hole (cutout)": augment.cutout(8),
}
one = paddle.to_tensor(np.repeat(data.train.images[first[1][:1]] / 255, 6, axis=0))  # six times the same picture
drawn = [step(one, np.random.default_rng(run.seed)).numpy() for step in steps.values()]  # each [6, 3, 32, 32]
framed = [np.pad(drawing, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=1) for drawing in drawn]
strips = [drawing.transpose(2, 0, 3, 1).reshape(34, 6 * 34, 3) for drawing in framed]
plotting.image_grid(strips, list(steps), columns=1, size=6.5, message=f"One picture, changed by chance ({data.name})")
plt.show()

# %% [markdown]
# A picture at a time this is easy to write, but on a GPU the pictures would have to leave it. For a whole batch we write
# the shift as a product: a matrix $R$ of zeros and ones with $R_{ij} = 1$ where row $i$ of the new picture is row $j$
# of the old one. Rows with no source stay zero. A matrix $C$ does the same for columns, so $R\,x\,C^\top$ moves both ways,
# and mirroring is such a product too. Five rows, moved by 2:

# %%
assert all(drawing.shape == (6, 3, 32, 32) and (drawing != one.numpy()).any() for drawing in drawn)
old = np.arange(1, 6)[:, None] * np.ones(4, dtype=int)  # row j holds the value j
R = (np.arange(5)[:, None] + 2 == np.arange(5)).astype(int)
print("R =", *R.tolist(), sep="\n    ")
print("rows 1 to 5 become", (R @ old)[:, 0].tolist())


# %%
def one_by_one(images, generator):
    """What the batch form must equal: each picture on its own, [N, C, H, W]."""
    shifted = []
    for image in images:
        down, right = generator.integers(-4, 4, 2, endpoint=True) + 4
        padded = np.pad(image, ((0, 0), (4, 4), (4, 4)))
        shifted.append(padded[:, down : down + 32, right : right + 32])
    return np.stack([image[:, :, ::-1] if generator.random() < 0.5 else image for image in shifted])


batch = prepare(paddle.to_tensor(data.train.images[:64]))  # [64, 3, 32, 32]
crop_and_flip = augment.in_turn(augment.crop(4), augment.flip())
at_once = crop_and_flip(batch, np.random.default_rng(1)).numpy()
assert np.array_equal(at_once, one_by_one(batch.numpy(), np.random.default_rng(1)))
print("64 pictures at once equal 64 pictures one by one, with the same random numbers:", True)

# %% [markdown]
# What does it cost? One training step of the small net of section 3, and the augmentation of its batch, in turns:

# %% tags=["nbval-ignore-output"]
spare = ladder.on_rung(train.take(1_000), 1, **ladder.settings_on("3x3 stem"), report=None)
targets = paddle.to_tensor(data.train.labels[:64])


def step():
    """Forward, backward and update on 64 pictures."""
    F.cross_entropy(spare.net(batch), targets).backward()
    spare.optimizer.step()
    spare.optimizer.clear_grad()


calls = {"step": step, "crop + flip": lambda: crop_and_flip(batch, np.random.default_rng(1))}
share = timing.interleaved_ratios(calls, reference="step", repeats=run.pick(full=30, quick=10))["crop + flip"]
print(f"crop and flip take {100 * share:.1f} % of a training step")

# %% [markdown]
# ## 3 What is wrong with the book's recipe?
#
# Two things can be counted before any training. The **head**, the last layer, has 1,000 outputs for ten classes. And the
# **stem**, the layers before the first residual unit (a $7 \times 7$ convolution with stride 2, then pooling with stride 2),
# shrinks each side of the picture to a quarter before a single unit has seen it.
#
# **Predict first:** what is the loss of a net that knows nothing, with 10 outputs and with 1,000? And how large are the
# maps of ResNet-18's last stage, for a picture of $32 \times 32$?

# %%
assert len(drawn) == len(steps) and 0 < share < 1
for outputs in (10, 1_000):
    ignorant = F.cross_entropy(paddle.zeros([1, outputs]), paddle.to_tensor([3])).item()
    head = 512 * outputs + outputs
    print(f"{outputs:5,} outputs: {head:7,} parameters in ResNet-18's last layer; knows nothing: loss {ignorant:.2f}")
nets = {
    "ResNet-18, ImageNet stem": resnet18(num_classes=10),
    "ResNet-18, 3x3 stem": resnet18(num_classes=10, stem="cifar"),
    "small net, ImageNet stem": ResNet(BasicBlock, (1, 1, 1), (16, 32, 64), num_classes=10),
    "small net, 3x3 stem": ResNet(BasicBlock, (1, 1, 1), (16, 32, 64), num_classes=10, stem="cifar", stem_stride=2),
}
print(f"\n{'a picture of 32 x 32 in':25} maps after each stage")
for name, net in nets.items():
    maps = explain.feature_maps(net, paddle.zeros([1, 3, 32, 32]), net.stages)
    print(f"{name:25}", ", ".join("{2} x {3}".format(*values.shape) for values in maps.values()))

# %% [markdown]
# A last stage of $1 \times 1$ has nothing left to convolve: of its $3 \times 3$ kernels only the middle weight meets the
# picture. The first loss that the book prints is 7.28, near $\ln 1000$.
#
# ResNet-18 takes a GPU, or days. Our ladder is climbed by a small net of the same units: three stages of one unit, with 16,
# 32 and 64 channels. Its $3 \times 3$ stem keeps stride 2 to save time; stride 1, as for ResNet-18 above, makes all maps
# four times as large.
#
# This is the whole recipe. The arguments with a default, but the seed, are the rungs, and the defaults are the book:


# %% tags=["library"]
def on_rung(
    train,
    epochs,
    seed=0,
    *,
    num_classes=1000,
    stem="imagenet",
    crop_and_flip=False,
    one_cycle=False,
    smoothing=0.0,
    **options,
):
    """A Trainer for a small ResNet; the defaults are the book's recipe. options: more arguments of Trainer."""
    paddle.seed(seed)
    net = ResNet(BasicBlock, (1, 1, 1), (16, 32, 64), num_classes=num_classes, stem=stem, stem_stride=2)
    if one_cycle:
        rate = recipes.one_cycle(0.1, recipes.steps_in(epochs, train.size, batch_size=64))
        optimizer = recipes.nesterov(net, rate, weight_decay=5e-4)
    else:
        optimizer = paddle.optimizer.Adam(0.001, parameters=net.parameters(), weight_decay=0.005)
    loss = recipes.smoothed_cross_entropy(smoothing) if smoothing else F.cross_entropy
    prepare = augment.standardize(*datasets.channel_statistics(train.images))
    changed = augment.in_turn(augment.crop(4), augment.flip()) if crop_and_flip else None
    return Trainer(net, optimizer, loss=loss, batch_size=64, prepare=prepare, augment=changed, seed=seed, **options)


# %% [markdown]
# We climb with a part of the training pictures and a few epochs, and score on the validation set. **Predict first:** which
# of the two changes, head or stem, will help more?

# %% tags=["nbval-ignore-output"]
_, few = train.stratified(min(train.size, run.pick(full=10_000, quick=1_280)), seed=run.seed)
epochs = run.pick(full=6, quick=2)
right, seconds = {}, {}  # for each rung: which validation pictures it gets right, and seconds an epoch


def climb(rung):
    """Train on this rung, and note how it did."""
    trainer = on_rung(few, epochs, run.seed, **ladder.settings_on(rung), report=None)
    seconds[rung] = np.mean(trainer.fit(few, epochs=epochs).column("seconds"))
    right[rung] = trainer.predict(valid.images).argmax(axis=1) == valid.labels
    print(f"{rung:20} {100 * right[rung].mean():5.1f} % of {valid.size:,}, {seconds[rung]:.1f} s an epoch")
    return trainer


print(f"{few.size:,} pictures, {epochs} epochs")
for rung in ("the book's recipe", "10-way head", "3x3 stem"):
    climb(rung)

# %% [markdown]
# The runs are short, and a few points may be chance: section 4 ends with intervals, section 5 takes all pictures.
#
# ## 4 What do the other rungs do?
#
# **Crop and flip** is section 2. **Nesterov's momentum** replaces Adam: a running sum $v$ of the gradients $g$ ($\mu = 0.9$ of
# the old one is kept) moves the weights $w$ at the rate $\eta$, one step ahead of itself:
#
# $$v \leftarrow \mu v + g, \qquad w \leftarrow w - \eta \, (g + \mu v)$$
#
# The rate follows **one cycle** (chapter 06): up, then down almost to zero. The decay of the weights becomes 0.0005 and
# spares biases and BatchNorm's two vectors: three changes in one rung, since they suit each other. By hand, on one weight
# whose gradient is $g = 2w$:

# %%
assert len(right) == 3
layer = nn.Linear(1, 1, bias_attr=False)
layer.weight.set_value(np.array([[1.0]], dtype="float32"))
optimizer = recipes.nesterov(layer, 0.1, weight_decay=0.0)
w, v = 1.0, 0.0
for _ in range(5):
    (layer.weight**2).sum().backward()
    optimizer.step()
    optimizer.clear_grad()
    g = 2 * w
    v = 0.9 * v + g
    w = w - 0.1 * (g + 0.9 * v)
assert abs(layer.weight.item() - w) < 1e-5
print("five steps of Nesterov's momentum by hand equal Paddle's within 1e-5")

# %%
schedule, rates = recipes.one_cycle(0.1, steps=100), []
for _ in range(100):
    rates.append(schedule.get_lr())
    schedule.step()
figure, axis = plt.subplots(figsize=(7, 2.4))
axis.plot(rates, label="one cycle")
axis.axhline(0.001, color="C1", linestyle="--", label="Adam's, in the book's recipe")
axis.set(xlabel="% of the steps", ylabel="learning rate")
axis.set_title("Up, so that it moves; down, so that it settles")
axis.legend()
plt.show()
print(f"from {rates[0]:.3f} over {max(rates):.3f} to {rates[-1]:.5f}")

# %% [markdown]
# **Label smoothing** (标签平滑): a net that is always right can lower its cross entropy without end by growing surer. Asking
# for $1 - \epsilon$ on the right class and spreading $\epsilon$ over all $K$ puts a floor under it. With $y_k$ 1 for the right
# class and 0 for others, and $p_k$ the net's probabilities:
#
# $$L = -\sum_k y'_k \log p_k, \qquad y'_k = (1 - \epsilon) \, y_k + \epsilon / K$$

# %%
rng = np.random.default_rng(0)
z, t = rng.standard_normal((64, 10)), rng.integers(0, 10, 64)
log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
smooth = 0.9 * np.eye(10)[t] + 0.1 / 10  # y' for epsilon = 0.1
by_hand = -(smooth * log_p).sum(axis=1).mean()
paddles = recipes.smoothed_cross_entropy(0.1)(paddle.to_tensor(z), paddle.to_tensor(t)).item()
assert abs(by_hand - paddles) < 1e-5 * by_hand
print("smoothed cross entropy by hand equals Paddle's within 1e-5")
floor = -(smooth * np.log(smooth)).sum(axis=1).mean()
print(f"its floor: {floor:.2f}, at p = {smooth.max():.2f} for the right class and {smooth.min():.2f} for each other")

# %% tags=["nbval-ignore-output"]
for rung in ("crop + flip", "Nesterov + one cycle", "label smoothing"):
    trainer = climb(rung)

# %% [markdown]
# The last rung needs no training. A mirrored cat is a cat also when we ask: take the mean of the net's logits for the
# picture and for its mirror image (**test-time flip**). It doubles the time of a prediction.

# %%
rung = "test-time flip"
logits = (trainer.predict(valid.images) + trainer.predict(valid.images[:, :, :, ::-1].copy())) / 2
assert np.abs(logits - trainer.predict(valid.images, flip=True)).max() < 1e-5 * np.abs(logits).max()
right[rung], seconds[rung] = logits.argmax(axis=1) == valid.labels, seconds["label smoothing"]
assert list(right) == list(ladder.RUNGS)
print("the mean of both equals predict(..., flip=True) within 1e-5")

# %% [markdown]
# All rungs with their 95 % intervals (chapter 06). Two rungs are judged on the same pictures, and a picture that both get
# right, or both wrong, says nothing about their difference (McNemar 1947). So the interval of a difference (the table) is
# narrower than the two bars suggest. Where 0 lies inside, the verdict is "unclear".

# %% tags=["nbval-ignore-output", "cover"]


def percent(correct, total):
    """(low, estimate, high) in percent."""
    low, high = metrics.wilson_interval(int(correct), total)
    return 100 * low, 100 * correct / total, 100 * high


def steps_between(right):
    """What each rung adds to the one below, with its interval, in points."""
    names = list(right)
    for below, rung in pairwise(names):
        low, gain, high = (100 * value for value in metrics.paired_difference(right[below], right[rung]))
        verdict = "better" if low > 0 else "worse" if high < 0 else "unclear"
        print(f"{rung:20}{gain:+6.1f} ({low:+.1f} to {high:+.1f}) {verdict}")


plotting.interval_bars(
    {rung: percent(hits.sum(), len(hits)) for rung, hits in right.items()},
    f"The ladder, {few.size:,} pictures and {epochs} epochs ({data.name})",
    xlabel="validation accuracy in %, with 95 % interval (chance: 10 %)",
)
plt.show()
print("points more than one rung below, and interval:")
steps_between(right)

# %%
bar = run.pick(full=0.40, quick=0.15)
assert right["test-time flip"].mean() > bar
print("the top of the ladder is far above chance")

# %% [markdown]
# These are short runs: a net that has not yet learned its pictures gains nothing from more of them, and
# can lose by it. The intervals tell how much other validation pictures would change; another seed changes it as well.
#
# ## 5 And with all the pictures?
#
# The same ladder with all 50,000 training pictures and more epochs takes longer than a chapter should. A script,
# `benchmarks/cifar10_ladder.py`, ran it and stored every answer; this page reads the file, whatever data it was opened
# with. Nothing was chosen by the test pictures: the rungs had been set before.

# %%
runs = results.stored("cifar10_ladder")["runs"]
stored = {rung: [entry for entry in runs if entry["rung"] == rung] for rung in ladder.RUNGS}
stored = {rung: entries for rung, entries in stored.items() if entries}
about = stored["the book's recipe"][0]
dates = sorted(entry["date"] for entry in runs)
print(f"CIFAR-10: {about['images']:,} pictures, {about['epochs']} epochs, test on {about['total']:,}")
print(f"run from {dates[0]} to {dates[-1]} on {about['machine']},")
print(f"device {about['device']}, threads: {about['threads']}, Paddle {about['paddle']}")
print("one column a seed; seconds of one processor\n")
for rung, entries in stored.items():
    shares = "".join(f"{100 * entry['correct'] / entry['total']:7.2f} %" for entry in entries)
    print(f"{rung:20}{shares}   {entries[0]['processor_seconds']:4.0f} s")

# %%
figure, (upper, lower) = plt.subplots(2, 1, figsize=(8, 7.5), height_ratios=[3, 2])
for row, (rung, entries) in enumerate(stored.items()):
    for seed, entry in enumerate(entries):
        low, estimate, high = percent(entry["correct"], entry["total"])
        error = [[estimate - low], [high - estimate]]
        upper.errorbar(estimate, 0.25 * seed - row, xerr=error, fmt="o", color=f"C{seed}", capsize=4)
    if rung != "test-time flip":
        losses = entries[0]["losses"]
        lower.plot(range(1, len(losses) + 1), losses, linestyle=["-", "--", "-.", ":"][row % 4], label=rung)
upper.axvline(72.34, color="C1", linestyle="--")
upper.set_yticks([-row for row in range(len(stored))], labels=list(stored))
upper.set(xlabel="test accuracy in %, 95 % interval (chance: 10 %)")
upper.set_title("The small net on all of CIFAR-10 (dashed: the book's ResNet-18)")
lower.set(xlabel="epoch", ylabel="training loss")
lower.set_title("The losses: a higher one is not a worse net")
lower.legend(fontsize=9, ncols=2)
plt.show()


# %%
def unpacked(entry):
    """Which of the test pictures a stored run got right."""
    return np.unpackbits(np.frombuffer(bytes.fromhex(entry["right"]), dtype=np.uint8))[: entry["total"]]


assert all(unpacked(entry).sum() == entry["correct"] for entries in stored.values() for entry in entries)
steps_between({rung: unpacked(entries[0]) for rung, entries in stored.items()})

# %% [markdown]
# The training losses are not comparable from rung to rung: with augmentation the task is harder, and smoothed labels have a
# floor above zero. That is why we count right answers on pictures that no rung has trained on.
#
# Two rungs that everybody recommends lose here. The head loses little, and another seed might turn that: the two training
# losses soon agree, since a net quickly learns which classes never occur. Crop and flip lose more. **Predict first:** at the
# top of the ladder, too, where the net learns better? The script ran the top without them:

# %%
by_name = {entry["rung"]: entry for entry in runs if entry["seed"] == 0}
pair = [name for name in ("all but crop + flip", "label smoothing") if name in by_name]
for name in pair:
    entry = by_name[name]
    print(f"{name:20} {100 * entry['correct'] / entry['total']:.2f} %, training loss {entry['losses'][-1]:.3f}")
steps_between({name: unpacked(by_name[name]) for name in pair})

# %% [markdown]
# Under Adam and its strong decay crop and flip cost several points; at the top their effect is too small to be told from
# none. They are a cure against learning pictures by heart, and this small net does not get that far: its loss on pictures
# that it has seen in every epoch is still far above the floor that section 4 computed for smoothed labels. Expect them to
# pay where a net is larger or trains longer (try it, 3). A ladder tells what a change does *where it stands*, and no more.
#
# A second script, `benchmarks/cifar10_train.py`, takes the top of the ladder with larger nets, in numbers of 16 bits
# (bfloat16), and asks how far a CPU gets. A run is named by the time that it was planned for; minutes by the clock depend on
# what else the machine did:

# %%
names = [name for name in results.stored_names("cifar10_") if name != "cifar10_ladder"]
entries = {name.removeprefix("cifar10_"): results.stored(name) for name in names}
print("run                 parameters  epochs  min, clock  min, processors  right with mirror images")
for name, entry in entries.items():
    low, high = (100 * end for end in entry["flip_interval"])
    minutes = f"{entry['seconds'] / 60:10.1f} {entry['processor_seconds'] / 60:16.1f}"
    print(f"{name:19} {entry['parameters']:10,} {len(entry['rows']):7} {minutes}", end="")
    print(f"  {100 * entry['flip_accuracy']:.2f} % ({low:.2f} to {high:.2f})")
for where in sorted({f"{entry['date']}, {entry['machine']}" for entry in entries.values()}):
    print(where)

# %% [markdown]
# That is what lies between 72 and 94 %: first a recipe, then a larger net, maps that keep their size, and time. (Which of the
# last three, these runs cannot say.)
#
# **What has not run.** One rung belongs to a GPU: ResNet-18 at full resolution, with Paddle's own mixed precision in
# bfloat16 (`Trainer(..., amp=True)`). The code is there, and the data lie on the device as one array; neither is proven on
# CUDA.
#
# ## 6 How good is it, and where does it err?
#
# Now the top of the ladder with more pictures than in section 4, kept at its best epoch, and then, once, the test pictures.
# (Pictures and epochs are not those of section 5 either, so expect another percentage.)

# %% tags=["nbval-ignore-output"]
_, many = train.stratified(min(train.size, run.pick(full=40_000, quick=2_560)), seed=run.seed)
longer = run.pick(full=3, quick=2) if data.real else run.pick(full=12, quick=2)
folder = Path(tempfile.mkdtemp())
top = ladder.settings_on("test-time flip")
trainer = on_rung(many, longer, run.seed, **top, folder=folder, callbacks=[plotting.LiveCurves()])
history = trainer.fit(many, valid, longer)
trainer.load(folder / "best.npz")

# %% tags=["nbval-ignore-output"]
assert trainer.evaluate(valid).accuracy == max(history.column("valid_accuracy"))
logits = trainer.predict(data.test.images, flip=True).astype("float64")
predictions = logits.argmax(axis=1)
confusion = metrics.confusion_matrix(predictions, data.test.labels, classes=10)
correct, total = int(np.trace(confusion)), data.test.size
low, accuracy, high = percent(correct, total)
print(f"{correct:,} of {total:,} right: {accuracy:.2f} %, 95 % interval {low:.2f} to {high:.2f} %")
order = np.argsort(np.diag(confusion))[::-1]
plotting.interval_bars(
    {data.classes[k]: percent(confusion[k, k], confusion[k].sum()) for k in order},
    f"Easiest: {data.classes[order[0]]}; hardest: {data.classes[order[-1]]}",
    xlabel="% of this class right, 95 % interval (dashed: all; chance: 10 %)",
    marks=[accuracy],
)
plt.show()

# %% tags=["nbval-ignore-output"]
assert confusion.sum() == total
assert accuracy > 100 * run.pick(full=0.5, quick=0.15)
mistakes = confusion * (1 - np.eye(10, dtype=int))
true, taken = np.unravel_index(mistakes.argmax(), mistakes.shape)
figure = plotting.confusion_grid(
    confusion,
    data.classes,
    f"{total - correct:,} of {total:,} wrong; most often {data.classes[true]} → {data.classes[taken]}",
)
figure.axes[0].tick_params(axis="x", rotation=60)
plt.show()

# %% [markdown]
# A row is what it was, a column what the net said, colour only the mistakes. The intervals of single classes are about
# three times as wide as that of the whole, since each has a tenth of the pictures: two neighbours need not differ.

# %% tags=["nbval-ignore-output"]
assert mistakes[true, taken] == mistakes.max()
probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
probabilities /= probabilities.sum(axis=1, keepdims=True)
wrong = np.flatnonzero(predictions != data.test.labels)
surest = wrong[np.argsort(-probabilities[wrong].max(axis=1))][:10]
plotting.image_grid(
    data.test.images[surest].transpose(0, 2, 3, 1),
    [f"{data.classes[data.test.labels[k]]}\nread as\n{data.classes[predictions[k]]}" for k in surest],
    columns=5,
    size=1.6,
    message=f"The mistakes that it was surest of ({data.name})",
)
plt.show()

# %% [markdown]
# What does it look at? One test picture after the stem and after each stage: the four channels that vary most, by number.
# Early maps still show where something is; in the last stage $4 \times 4$ values are left of a map, and the mean of each
# goes to the head.

# %% tags=["nbval-ignore-output"]
assert (predictions[surest] != data.test.labels[surest]).all()
trainer.net.eval()
k = int(np.flatnonzero(predictions == data.test.labels)[0])
x = trainer.prepare(paddle.to_tensor(data.test.images[k : k + 1]))
maps = explain.feature_maps(trainer.net, x, ["bn1", "layer1", "layer2", "layer3"])
pictures, titles = [], []
for name, values in maps.items():
    active = np.maximum(values[0], 0)  # after ReLU, [C, H, W]
    for channel in np.argsort(-active.std(axis=(1, 2)))[:4]:
        pictures.append(active[channel])
        titles.append(f"{'stem' if name == 'bn1' else name}, {channel}")
label = data.classes[data.test.labels[k]]
plotting.image_grid([data.test.images[k].transpose(1, 2, 0)], [f"a {label} ({data.name})"], size=1.6)
plt.show()
plotting.image_grid(pictures, titles, columns=4, size=1.6, message="Each map on its own scale: black is 0")
plt.show()

# %% [markdown]
# ## 7 And pictures from elsewhere?
#
# The net gives each answer a probability. What is that worth? On the test pictures we can count: of all answers given with
# about this confidence, how many were right?

# %% tags=["nbval-ignore-output"]
assert {name: values.shape[2] for name, values in maps.items()} == {"bn1": 16, "layer1": 16, "layer2": 8, "layer3": 4}
confidence = probabilities.max(axis=1)
edges = [0, 0.4, 0.6, 0.8, 1.001]
print("it says     answers  right")
for low, high in pairwise(edges):
    inside = (confidence >= low) & (confidence < high)
    if inside.any():
        bounds = percent((predictions == data.test.labels)[inside].sum(), int(inside.sum()))
        print(
            f"{low:.1f} to {min(high, 1):.1f} {inside.sum():8,} {bounds[1]:6.1f} % ({bounds[0]:.1f} to {bounds[2]:.1f})"
        )

# %% [markdown]
# Where the share that is right lies above what the net says, it is too modest; below, too sure.
#
# That table holds for pictures like those of the data set. Now four photographs that come with scikit-image, cut square
# and reduced to $32 \times 32$ pixels. CIFAR-10 has a class for the cat. It has none for a coffee cup, an astronaut or
# brickwork, and the net cannot say so: its ten probabilities add up to 1.
#
# **Predict first:** will it be less sure of the three that fit no class?

# %% tags=["nbval-ignore-output"]
assert confidence.min() >= 0.1
strangers = {"chelsea": "cat", "coffee": "cup", "astronaut": "person", "brick": "wall"}
small = []
for name in strangers:
    photo = datasets.photos(name)[0]  # [C, H, W]
    photo = np.broadcast_to(photo, (3, *photo.shape[1:]))
    side = min(photo.shape[1:])
    top_edge, left_edge = ((size - side) // 2 for size in photo.shape[1:])
    square = photo[:, top_edge : top_edge + side, left_edge : left_edge + side]
    small.append(np.round(255 * resize(square / 255, (3, 32, 32), anti_aliasing=True)).astype(np.uint8))
small = np.stack(small)  # [4, 3, 32, 32]
answers = F.softmax(paddle.to_tensor(trainer.predict(small, flip=True)), axis=1).numpy()
titles = []
for thing, row in zip(strangers.values(), answers):
    known = "one of the ten" if thing in data.classes else "none of the ten"
    titles.append(f"a {thing}: {known}\nread as {data.classes[row.argmax()]}\np = {row.max():.2f}")
plotting.image_grid(small.transpose(0, 2, 3, 1), titles, size=2.3)
plt.show()
for name in strangers:
    print(datasets.photo_credit(name))

# %% [markdown]
# Whatever it said, the probability is a share among ten answers, not the chance that the picture is one of them. And even
# a photograph of a known class may be unlike those of the data set: another distance, another crop. Four pictures prove
# nothing in either direction; they show that the question "is this one of mine at all?" has to be asked separately.
#
# ## 8 How does it leave the notebook?
#
# The Trainer keeps the whole run, to go on with it: its best epoch lies in `folder` since section 6. `paddle.jit.save`
# writes the net alone, as a program that needs none of our code. For that, shift and scale belong inside, and the softmax:
# uint8 in, probabilities out. And `paddle.inference` runs such a program, without a Trainer, without gradients.


# %%
class Classifier(nn.Layer):
    """uint8 [N, 3, 32, 32] -> probabilities [N, 10]."""

    def __init__(self, net, mean, std):
        super().__init__()
        self.net = net
        self.register_buffer("mean", paddle.to_tensor(mean, "float32").reshape([3, 1, 1]))
        self.register_buffer("std", paddle.to_tensor(std, "float32").reshape([3, 1, 1]))

    def forward(self, images):
        x = (images.astype("float32") / 255 - self.mean) / self.std
        return F.softmax(self.net(x), axis=1)


assert np.abs(answers.sum(axis=1) - 1).max() < 1e-5
some = data.test.images[:100]
again = on_rung(many, longer, run.seed + 1, **top)  # other weights
assert not np.allclose(again.predict(some), trainer.predict(some))
again.load(folder / "best.npz")
assert np.array_equal(again.predict(some), trainer.predict(some))
print("saved, loaded into a fresh net: the same logits, to the last bit")

# %%
classifier = Classifier(again.net, *datasets.channel_statistics(many.images))
classifier.eval()
shape = paddle.static.InputSpec([None, 3, 32, 32], "uint8", name="images")
paddle.jit.save(classifier, str(folder / "classifier"), input_spec=[shape])
config = inference.Config(str(folder / "classifier.json"), str(folder / "classifier.pdiparams"))
config.disable_glog_info()
config.disable_mkldnn()  # faster with it, but then it prints lines of its own
predictor = inference.create_predictor(config)
predictor.get_input_handle("images").copy_from_cpu(some)
predictor.run()
served = predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()
expected = F.softmax(paddle.to_tensor(trainer.predict(some)), axis=1).numpy()
assert np.abs(served - expected).max() < 1e-4
print("files:", ", ".join(sorted(path.name for path in folder.glob("classifier*"))))
print("100 pictures by paddle.inference", list(served.shape), "- equal to the Trainer's within 1e-4:", True)

# %% [markdown]
# ## Recap

# %% tags=["nbval-ignore-output"]
assert served.shape == (100, 10)
low, accuracy, high = percent(correct, total)
print(f"data: {data.name}, {many.size:,} to learn from, {valid.size:,} to choose by, {total:,} to test")
print(f"augmentation of a batch: {100 * share:.1f} % of a training step")
bottom, head = (100 * right[rung].mean() for rung in ("the book's recipe", "test-time flip"))
print(
    f"the ladder here, {few.size:,} pictures, {epochs} epochs: {bottom:.1f} % to {head:.1f} % of the validation pictures"
)
bottom, head = (100 * stored[rung][0]["correct"] / about["total"] for rung in (next(iter(stored)), list(stored)[-1]))
print(
    f"the stored ladder, 50,000 pictures, {about['epochs']} epochs: {bottom:.1f} % to {head:.1f} % of the test pictures"
)
print(f"the top rung, test: {accuracy:.2f} % right, 95 % interval {low:.2f} to {high:.2f} %, one seed")

# %% [markdown]
# - On the stored ladder optimizer and schedule buy most; beyond it, larger nets, larger maps and time.
# - A rung is judged by the interval of its difference, and only where it stands.
# - A probability is a share among the classes that the net knows.
#
# ## Where the course notes differ

# %%
assert low < accuracy < high
errata.table("09_resnet_cifar10")

# %% [markdown]
# ## Try it
#
# 1. Give the small net its full resolution: `stem_stride=1`. What does it cost an epoch, and what does it buy?
# 2. Climb in another order, augmentation last. Does each rung buy the same as before?
# 3. Take a wider net, more epochs or fewer pictures until crop and flip pay. Which of the three does it first?
# 4. Repeat two neighbouring rungs with three seeds each. Is their difference larger than that of the seeds?
#
# To check yourself; each question opens to its answer.
#
# <details><summary>Why does augmentation raise the training loss?</summary>The net is asked harder questions in training
# than in the test. That is the point.</details>
#
# <details><summary>Why not flip digits, as we flip photographs?</summary>A mirrored 2 is no digit. Augmentation must leave
# the label true.</details>
#
# <details><summary>Two rungs have overlapping intervals. Are they equal?</summary>Not for that reason. They were judged on
# the same pictures, so look at the interval of their difference.</details>
#
# <details><summary>The net says "truck" with p = 0.95 to a picture of a cup. Is it broken?</summary>No. It was asked which
# of ten, and answered. Nobody taught it to say "none".</details>
#
# **Next:** [chapter 10](10_eye_disease_screening.ipynb) takes such nets to photographs of the eye, where a wrong answer has a price.
#
# ## References
#
# - A. Krizhevsky, *Learning multiple layers of features from tiny images*, technical report, University of Toronto, 2009.
# - K. He, X. Zhang, S. Ren, J. Sun, *Deep residual learning for image recognition*, CVPR 2016, section 4.2.
# - C. Szegedy et al., *Rethinking the Inception architecture for computer vision*, CVPR 2016: label smoothing.
# - I. Sutskever, J. Martens, G. Dahl, G. Hinton, *On the importance of initialization and momentum*, ICML 2013.
# - L. N. Smith, N. Topin, *Super-convergence: very fast training of neural networks using large learning rates*, 2018.
# - T. DeVries, G. W. Taylor, *Improved regularization of convolutional neural networks with cutout*, 2017.
# - Q. McNemar, *Note on the sampling error of the difference between correlated proportions*, Psychometrika 12, 1947.
# - 邱锡鹏等，《神经网络与深度学习：案例与实践》, 2022, section 5.5: the book of the course.
