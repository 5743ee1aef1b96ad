# %% [markdown]
# # Edge detection (边缘检测)
#
# Where does one thing end and the next begin? Nine weights, chosen by thinking, find out; at the end they find
# themselves.

# %% [markdown]
# {card}

# %% tags=["nbval-ignore-output"]
from course_utils import settings

run = settings.setup("02_edge_detection", seed=2)

# %%
import matplotlib.pyplot as plt
import numpy as np
import paddle
import paddle.nn.functional as F
from scipy import ndimage
from skimage import feature, filters, segmentation

from course_utils import datasets, errata, ops, plotting
from course_utils.fingerprint import fingerprint

rng = np.random.default_rng(run.seed)

# %% [markdown]
# ## 1 What is the derivative of a picture?
#
# An edge (边缘) is a place where the brightness changes fast. How fast something changes is its derivative (导数), so we
# need the derivative of a list of pixels. Let $f_j$ be the brightness of pixel $j$ in one row of a picture. Two
# neighbours differ by one pixel in place, so differences stand in for derivatives:
#
# $$f'_j = \frac{f_{j+1} - f_{j-1}}{2}$$
#
# $$\begin{aligned} f''_j &= (f_{j+1} - f_j) - (f_j - f_{j-1}) \\ &= f_{j+1} - 2 f_j + f_{j-1} \end{aligned}$$
#
# The first is the slope at $j$, in grey levels a pixel. The second is the slope on the right minus the slope on the
# left: how much the slope itself changes. Both are convolutions in the sense of chapter 01, with the kernels
# $[-\frac12, 0, \frac12]$ and $[1, -2, 1]$.
#
# **Predict first:** what do they give on the row 0 0 0 1 1 1? And on a ramp, 0 0 1 2 3 3?


# %%
def derivatives(f):
    """First and second differences of f [W]; the end pixels are repeated, so that all have one length."""
    left, right = np.r_[f[0], f[:-1]], np.r_[f[1:], f[-1]]
    return (right - left) / 2, right - 2 * f + left


for name, row in {"step": [0, 0, 0, 1, 1, 1], "ramp": [0, 0, 1, 2, 3, 3]}.items():
    slope, change = derivatives(np.array(row))
    print(f"{name}: {row}")
    print(f"  first derivative  {slope.tolist()}")
    print(f"  second derivative {change.tolist()}")

# %%
j = np.arange(30)
signals = {
    "a step": (j >= 15) * 1.0,
    "a blurred step": 1 / (1 + np.exp(-(j - 14.5) / 1.5)),
    "a ramp": np.clip((j - 10) / 9, 0, 1),
}
panels = {name: (f, *derivatives(f)) for name, f in signals.items()}
figure = plotting.derivative_panels(panels, "At an edge the first derivative peaks, the second changes sign", edge=14.5)
plt.show()
print(fingerprint(figure))

# %% [markdown]
# The dashed line marks the edge; each panel has its own scale. There are two ways to find it: take the *peak* of the
# first derivative (section 2), or the *zero crossing* (过零点) of the second, where it goes from plus to minus (sections 3
# to 5). On the long ramp the peak becomes a plateau, and the second derivative is zero on all of it: it answers to the
# bends at its two ends only.
#
# A picture is a stack of rows, so the same kernel works on all of them. The course's demonstration: a picture of
# $50 \times 50$, white on the left, black from column 30 on, and the kernel $[1, 0, -1]$. **Predict first:** how many
# columns of the output are not zero, and which sign do they have?


# %%
def native(x, w):
    """Paddle's conv2d of x [H, W] with w [U, V], without padding, as an array [H', W']."""
    x, w = (paddle.to_tensor(np.asarray(a, dtype="float32")).unsqueeze([0, 1]) for a in (x, w))
    return F.conv2d(x, w).numpy()[0, 0]


picture = np.ones((50, 50))
picture[:, 30:] = 0
for name, x in {"white, then black": picture, "mirrored": picture[:, ::-1]}.items():
    y = x[:, :-2] - x[:, 2:]  # the kernel [1, 0, -1], written as a difference
    assert np.allclose(native(x, [[1, 0, -1]]), y, atol=1e-6)
    columns = np.flatnonzero(y[0])
    print(f"{name}: output {y.shape}, not zero in columns {columns.tolist()}: {y[0, columns].tolist()}")

# %% [markdown]
# Two columns, since the kernel spans the edge in two positions. The sign tells the way: plus where the left side is the
# brighter one, minus where it is the darker one (this kernel counts left minus right, ours above right minus left).
#
# ## 2 Which way does an edge run?
#
# A row knows only left and right. A picture $x$ has a slope in two directions, and together they form the gradient
# (梯度) $g = (g_x, g_y)$, a small arrow at every pixel:
#
# $$|g| = \sqrt{g_x^2 + g_y^2}, \qquad \theta = \operatorname{atan2}(g_y, g_x)$$
#
# $g_x$ is the slope to the right, $g_y$ the slope down; $|g|$ says how steep the picture is, and the angle $\theta$ of
# the arrow (`np.arctan2`) in which direction it gets brighter. The edge itself runs across the arrow.
#
# A single row is easily fooled by a bad pixel, so three classical kernels average three rows while they differentiate:
# a column of weights $a$ that sum to 1, times the row $d = [-\frac12, 0, \frac12]$. They differ in $a$ only.

# %%
difference = np.array([-1, 0, 1]) / 2
smooth = {
    "Prewitt": np.array([1, 1, 1]) / 3,
    "Sobel": np.array([1, 2, 1]) / 4,
    "Scharr": np.array([3, 10, 3]) / 16,
}


def gradient_kernels(name):
    """The kernels [3, 3] for the slope to the right and for the slope down."""
    across = np.outer(smooth[name], difference)
    return across, across.T


print("Sobel, times 8:")
print((8 * gradient_kernels("Sobel")[0]).astype(int))

# %% [markdown]
# Multiplied by 8 these are the whole numbers that books print. We keep the fractions, since then the answer is the
# slope itself. Our convolution mirrors the picture at its border, as SciPy and scikit-image do, so that the size is
# kept.


# %%
def answer(x, w):
    """What the kernel w [U, V] answers at every pixel of x [H, W]; the mirrored border keeps the size."""
    border = [(size // 2, size // 2) for size in w.shape]
    return ops.conv2d_shift_and_add(np.pad(x, border, mode="symmetric")[None, None], w[None, None])[0, 0]


coins = datasets.photos("coins")[0, 0] / 255.0  # [303, 384], grey values 0..1
theirs = {"Prewitt": filters.prewitt_v, "Sobel": filters.sobel_v, "Scharr": filters.scharr_v}
ramp = np.tile(np.arange(8.0), (8, 1))  # brighter by 1 a pixel
for name in smooth:
    across, _ = gradient_kernels(name)
    assert np.allclose(2 * answer(coins, across), theirs[name](coins), atol=1e-9)
    slopes = answer(ramp, across)[4, 4], theirs[name](ramp)[4, 4]
    print(f"{name:7}: slope of the ramp {slopes[0]:.0f}, scikit-image {slopes[1]:.0f}; twice ours equals theirs")

# %% [markdown]
# scikit-image leaves out the half in $d$, so all of its numbers are twice the slope a pixel. Such factors do no harm as
# long as one knows them; a threshold that is copied from one library to another is where they bite.

# %% tags=["cover"]
part = coins[20:94, 16:128]
gx, gy = (answer(part, w) for w in gradient_kernels("Scharr"))
figure = plotting.gradient_panels(part, gx, gy, "A gradient is an arrow at every pixel, from dark to bright")
plt.show()
print(datasets.photo_credit("coins"))

# %% [markdown]
# Every rim runs once through the wheel of colours: a coin is brighter than the table, so all around it the arrows point
# inwards.
#
# Why three sets of weights for one thing? Because a square grid of pixels knows some directions better than others. We
# let a wave of brightness run in every direction, and compare the angle that each kernel finds with the true one.
# **Predict first:** which is the most exact?

# %%
wavelength, angles = 6, np.radians(np.arange(91))
inexact = {}
rows, columns = np.mgrid[-1:2, -1:2]
for name in smooth:
    across, down = gradient_kernels(name)
    inexact[name] = 0.0
    for angle in angles:
        wave = np.sin(2 * np.pi / wavelength * (np.cos(angle) * columns + np.sin(angle) * rows))
        found = np.arctan2((down * wave).sum(), (across * wave).sum())
        inexact[name] = max(inexact[name], abs(np.degrees(found - angle)))
    print(f"{name:7}: wrong by up to {inexact[name]:.1f} degrees")

# %% [markdown]
# Prewitt (1970) takes a plain mean, Sobel (1968) favours the middle row, and Scharr (2000) calculated the weights that
# make the direction most exact. All three need two kernels and a root.
#
# ## 3 What does a Laplacian respond to?
#
# A slope has a direction. Can one kernel find edges of every direction? The Laplacian (拉普拉斯算子), written $\nabla^2$,
# adds the second derivative along the row and the one along the column:
#
# $$\begin{aligned} (\nabla^2 x)_{ij} =\; & x_{i,j+1} - 2x_{ij} + x_{i,j-1} \\ +\; & x_{i+1,j} - 2x_{ij} + x_{i-1,j} \end{aligned}$$
#
# As a kernel: $[1, -2, 1]$ laid across, plus the same laid down. It reads the four direct neighbours. Add the two
# diagonals, and it reads all eight.

# %%
across, down, diagonal, other = np.zeros((4, 3, 3))
across[1, :] = down[:, 1] = [1, -2, 1]
diagonal[range(3), range(3)] = other[range(3), [2, 1, 0]] = [1, -2, 1]
four = across + down
eight = four + diagonal + other
for left, right in zip(four.astype(int).tolist(), eight.astype(int).tolist(), strict=True):
    print("  ".join(f"{value:2}" for value in left), "      ", "  ".join(f"{value:2}" for value in right))
print(f"sums: {four.sum():.0f} and {eight.sum():.0f}")

# %% [markdown]
# Read the first one aloud: the sum of the four neighbours, minus four times the pixel. That is
#
# $$4 \cdot (\text{mean of the neighbours} - \text{the pixel})$$
#
# so it responds to a pixel that differs from the mean of its neighbours, and says by how much: plus where the pixel is
# darker, minus where it is brighter. (Many texts, the notes among them, also show the kernel with all signs turned.)
#
# An answer with a sign needs colours with a sign: red is plus, blue is minus, white is nothing, in this chapter and in
# all others. **Predict first:** for each picture in the upper row, what is the answer at its centre?

# %%
i, j = np.mgrid[-3:4, -3:4]
patterns = {
    "constant": np.full((7, 7), 3.0),
    "ramp": j + 3.0,
    "step": 3.0 * (j > 0),
    "line": 3.0 * (j == 0),
    "point": 3.0 * ((i == 0) & (j == 0)),
    "bowl": (i**2 + j**2) / 2.0,
}
answers = [answer(x, four)[1:-1, 1:-1] for x in patterns.values()]  # [5, 5] each: without the border
assert all(np.allclose(y, native(x, four), atol=1e-4) for x, y in zip(patterns.values(), answers, strict=True))
message = "Nothing at a constant, nothing on a ramp: only bends count"
figure = plotting.picture_rows(
    list(patterns.values()), answers, list(patterns), message, labels=("picture", "Laplacian"), values=True, size=1.5
)
plt.show()
print(fingerprint(figure))

# %% [markdown]
# - *Constant*: every pixel is the mean of its neighbours. *Ramp*: one neighbour is brighter by as much as the opposite
#   one is darker, so the mean is the pixel again.
# - *Step*: a plus on its dark side, a minus on its bright side, and the edge runs between the two.
# - *Line* and *point*: the strongest answers of all; an isolated bright pixel differs from all its neighbours.
# - *Bowl*: the slope grows by the same amount everywhere, and so the answer is the same everywhere.
#
# ### Why must the coefficients sum to zero?
#
# Put a picture of constant brightness $c$ under any kernel $w$:
#
# $$y = \sum_{u,v} w_{uv}\, c = c \sum_{u,v} w_{uv}$$
#
# A constant picture has no edge, so $y$ must be 0 for every $c$, and that leaves one choice: $\sum w_{uv} = 0$. If the
# sum is not zero, the kernel reports brightness, and a bright wall looks like an edge. The ramp adds a second demand,
# which every kernel of sum zero meets that is *symmetric*, the same after half a turn: what it gains on one side it
# loses on the other.
#
# **Predict first:** we change one coefficient, the centre, from $-4$ to $-3$. What will the photograph turn into? (We
# halve it first, so that its pixels are large enough to see.)


# %%
def halve(x):
    """Every 2x2 block of x [H, W] as its mean; an odd last row or column is dropped."""
    H, W = x.shape[0] // 2, x.shape[1] // 2
    return x[: 2 * H, : 2 * W].reshape(H, 2, W, 2).mean(axis=(1, 3))


camera = halve(datasets.photos("camera")[0, 0] / 255.0)  # [256, 256], grey values 0..1
leaky = four.copy()
leaky[1, 1] = -3
for name, w in {"centre -4": four, "centre -3": leaky, "[-1, 0, 1] / 2": difference[None]}.items():
    flat, slope = answer(np.full((9, 9), 10.0), w)[4, 4], answer(np.tile(10 * np.arange(9.0), (9, 1)), w)[4, 4]
    print(f"{name:14}: sum {w.sum():.0f}; at a constant 10 it answers {flat:.0f}, on a ramp of 10 a pixel {slope:.0f}")

# %%
man = camera[30:130, 65:165]
pictures = [np.clip(answer(man, w), -0.8, 0.8) for w in (four, leaky)]  # stronger colours for the weaker answers
titles = ["sum 0: edges only", "sum 1: the brightness leaks in"]
plotting.image_grid(pictures, titles, signed=True, size=3, message="Where the sum is not zero, brightness leaks in")
plt.show()
print(datasets.photo_credit("camera"))

# %% [markdown]
# With sum 1 the sky and the face come through, although they are merely bright, and the coat, merely dark, does not.
# Note the third line of the table as well: a first derivative also sums to zero, yet it answers to the ramp, because it
# is not symmetric. Sum zero makes a kernel blind to brightness, symmetry to an even slope.
#
# The libraries agree with us, each with its own habits:

# %%
checks = {
    "scipy.ndimage.laplace": (ndimage.laplace(camera), answer(camera, four)),
    "skimage.filters.laplace, which turns the sign": (-filters.laplace(camera), answer(camera, four)),
    "Paddle's conv2d, float32": (native(camera, four), answer(camera, four)[1:-1, 1:-1]),
    "Paddle's conv2d, eight neighbours": (native(camera, eight), answer(camera, eight)[1:-1, 1:-1]),
}
for name, (library, ours) in checks.items():
    tolerance = 1e-5 if "Paddle" in name else 1e-9
    same = np.abs(library - ours).max() <= tolerance * np.abs(ours).max()
    assert same
    print(f"equal to {name}: {same}")

# %% [markdown]
# A colour photograph has three channels. The course's demonstration takes the eight neighbours with all signs turned,
# divided by 8, and repeats the kernel for each channel, so that one map comes out: chapter 01's sum over channels. With
# `groups=3` every channel keeps its own answer. Both are the same numbers:

# %%
colour = paddle.to_tensor(datasets.photos("chelsea") / np.float32(255))  # [1, 3, 300, 451]
w = paddle.to_tensor(np.tile(-eight / 8, (3, 1, 1, 1)).astype("float32"))  # [3, 1, 3, 3]
separate = F.conv2d(colour, w, groups=3).numpy()
summed = F.conv2d(colour, w.transpose([1, 0, 2, 3])).numpy()  # the kernel as [1, 3, 3, 3]
assert np.abs(separate.sum(axis=1, keepdims=True) - summed).max() <= 1e-5 * np.abs(summed).max()
print("per channel:", list(separate.shape), " summed:", list(summed.shape), " their sum is the map")

# %% [markdown]
# ## 4 What does noise do to it?
#
# A camera adds a little noise (噪声) to every pixel. Let its standard deviation be $s$, independent from pixel to pixel.
# An output adds up $w_{uv}$ times such numbers; the variances of independent numbers add, so
#
# $$s_{\text{out}} = s \sqrt{\textstyle\sum_{u,v} w_{uv}^2}$$
#
# The root is the kernel's noise gain. **Predict first:** what is it for our two Laplacians?

# %% tags=["nbval-ignore-output"]
noise = rng.standard_normal((512, 512))
kernels = {"Sobel": gradient_kernels("Sobel")[0], "Laplacian, 4": four, "Laplacian, 8": eight}
gains = {name: (np.sqrt((w**2).sum()), native(noise, w).std()) for name, w in kernels.items()}
for name, (predicted, measured) in gains.items():
    print(f"{name:12}: noise times {predicted:.2f} predicted, {measured:.2f} measured")

# %%
for name, (predicted, measured) in gains.items():
    assert abs(measured / predicted - 1) < 0.02
    print(f"{name}: the measured gain is the predicted one within 2 %")

# %% [markdown]
# The four-neighbour Laplacian makes noise several times larger, while it answers to a step of height 1 by 1 only. The
# reason is the same as its virtue: an isolated pixel is what it responds to most, and noise changes every pixel by
# itself.
#
# The cure is to smooth first. A Gaussian (高斯) kernel is a weighted mean whose weights fall off with the distance $r$
# from the centre; $\sigma$, in pixels, is its width:
#
# $$G_\sigma(r) \propto e^{-r^2 / 2\sigma^2}, \qquad \sum G_\sigma = 1$$
#
# Smoothing and then a Laplacian are two convolutions. Each only adds up weighted pixels, so both together are one
# convolution, whose kernel is the second kernel's answer to the first: the Laplacian of Gaussian, LoG (Marr & Hildreth
# 1980).


# %%
def gaussian(sigma):
    """Weights [2R + 1, 2R + 1] that sum to 1, cut off at R = 4 sigma, rounded."""
    r = np.arange(-int(4 * sigma + 0.5), int(4 * sigma + 0.5) + 1)
    g = np.exp(-(r**2) / (2 * sigma**2))
    return np.outer(g, g) / g.sum() ** 2


G = gaussian(2)  # [17, 17]
one_kernel = answer(np.pad(G, 1), four)  # [19, 19]: the Laplacian of the Gaussian
two_passes = answer(answer(camera, G), four)
in_one = answer(camera, one_kernel)
inside = np.s_[10:-10, 10:-10]  # away from the border, which the two treat differently
assert np.abs(two_passes - in_one)[inside].max() < 1e-9
print("smoothing, then Laplacian = one kernel", one_kernel.shape, "in one pass")
print("its coefficients sum to 0:", abs(one_kernel.sum()) < 1e-12)

# %% [markdown]
# It sums to zero by itself, since the sum of a combined kernel is the product of the sums, here $1 \cdot 0$. There is
# also a formula, from differentiating $G_\sigma$ on paper:
#
# $$\nabla^2 G_\sigma(r) = \frac{r^2 - 2\sigma^2}{\sigma^4}\, G_\sigma(r)$$
#
# Sampled at whole pixels and cut off, it misses zero by a little. SciPy lets that stand; for a kernel of our own we
# subtract the mean.


# %%
def log_kernel(sigma, correct=True):
    """The formula, sampled: [2R + 1, 2R + 1]; `correct` subtracts the mean, so that it sums to 0."""
    G = gaussian(sigma)
    i, j = np.indices(G.shape) - len(G) // 2
    w = (i**2 + j**2 - 2 * sigma**2) / sigma**4 * G
    return w - w.mean() if correct else w


for sigma in (1, 2, 4):
    raw, scipys = log_kernel(sigma, correct=False), ndimage.gaussian_laplace(camera, sigma)
    assert np.abs(answer(camera, raw) - scipys).max() < 1e-9
    assert abs(log_kernel(sigma).sum()) < 1e-12
    print(f"sigma {sigma}: equal to scipy.ndimage.gaussian_laplace: True; sum {raw.sum():.5f}, corrected 0")

# %% [markdown]
# %%
hats = [np.pad(w / -w.min(), (33 - len(w)) // 2) for w in (four, log_kernel(1), log_kernel(2), log_kernel(4))]
titles = ["Laplacian", "LoG, σ = 1", "LoG, σ = 2", "LoG, σ = 4"]
plotting.image_grid(hats, titles, signed=True, size=2, message="A LoG is a Laplacian with a soft, wide centre")
plt.show()

# %% [markdown]
# A blue centre and a red ring, which cancel: the mean of a ring of neighbours minus the mean of a disc. (Each kernel is
# divided by its own centre here.)
#
# How much does smoothing help? We divide what we want by what we do not want: the answer to a step of height 1 by the
# noise gain. **Predict first:** a wider Gaussian weakens the step's answer as well. Which of the two falls faster?

# %%
step = np.tile(1.0 * (np.arange(80) >= 40), (80, 1))
kernels = {"Laplacian, 4": four, "Laplacian, 8": eight, **{f"LoG, sigma {s}": log_kernel(s) for s in (1, 2, 4)}}
print("kernel         step  noise gain  ratio")
for name, w in kernels.items():
    peak, gain = answer(step, w).max(), np.sqrt((w**2).sum())
    print(f"{name:12} {peak:6.3f} {gain:11.3f} {peak / gain:6.2f}")

# %%
noisy = man + 0.06 * rng.standard_normal(man.shape)
pictures = [man, noisy, ndimage.gaussian_filter(noisy, 1.5)]
answers = [answer(man, four), answer(noisy, four), answer(noisy, log_kernel(1.5))]
answers = [y / np.abs(y).max() for y in answers]
titles = ["clean", "noisy", "noisy, σ = 1.5"]
message = "Noise drowns the Laplacian; smoothing first brings the edges back"
figure = plotting.picture_rows(pictures, answers, titles, message, labels=("smoothed", "Laplacian"), limit=0.7)
plt.show()

# %% [markdown]
# The noise falls faster, so the ratio grows with $\sigma$. The price stands in the upper row: with the noise, fine
# detail goes. (Each answer is divided by its own largest value here, since a wider Gaussian makes all of them smaller.)
#
# ## 5 Where exactly is the edge?
#
# On the dark side of an edge the LoG is positive, on the bright side negative. In between lies the edge, so we look for
# positive pixels that have a neighbour which is not. Where hardly anything happens the sign is chance; hence a second
# demand, that the two differ by more than a `strength`.


# %%
def zero_crossings(y, strength=0.0):
    """Pixels of y [H, W] above 0 with one of four neighbours that is not, and lower by more than `strength`."""
    H, W = y.shape
    padded = np.pad(y, 1, mode="edge")
    found = np.zeros(y.shape, dtype=bool)
    for top, left in ((0, 1), (2, 1), (1, 0), (1, 2)):  # above, below, left, right
        neighbour = padded[top : top + H, left : left + W]
        found |= (y > 0) & (neighbour <= 0) & (y - neighbour > strength)
    return found


for sigma in (1, 2, 4):
    ours, scipys = answer(camera, log_kernel(sigma, correct=False)), ndimage.gaussian_laplace(camera, sigma)
    reference = segmentation.find_boundaries(scipys > 0, connectivity=1, mode="inner")
    assert np.mean(zero_crossings(ours) == reference) > 0.9999
    assert np.array_equal(zero_crossings(ours, 0.001), zero_crossings(scipys, 0.001))
    print(f"sigma {sigma}: ours = boundaries of SciPy's positive regions, by scikit-image")

# %% [markdown]
# From here on we let SciPy compute the LoG: it is equal, and needs fewer products, because it treats rows and columns
# one after the other. What happens when $\sigma$ grows? **Predict first:** do the lines move, merge, or vanish?

# %%
sigmas = (1, 2, 4, 8)
answers = [sigma**2 * ndimage.gaussian_laplace(part, sigma) for sigma in sigmas]
lines = [1.0 - zero_crossings(y, strength=0.05 / sigma) for y, sigma in zip(answers, sigmas, strict=True)]
titles = [f"σ = {sigma}" for sigma in sigmas]
message = "From hairlines to whole coins: σ chooses the size of an edge"
figure = plotting.picture_rows(
    answers, lines, titles, message, signed=(True, False), labels=("LoG", "zero crossings"), limit=0.3, size=2.3
)
plt.show()
print(fingerprint(figure))

# %% [markdown]
# Read it as a film, from left to right. At $\sigma = 1$ every scratch has its line; then the stamped faces vanish, and
# the coins remain as blobs with rounder outlines. Small $\sigma$: exact place, much noise. Large $\sigma$: few lines,
# shifted and rounded. (The answers are multiplied by $\sigma^2$, which makes scales comparable: Lindeberg 1998. The
# `strength` is divided by $\sigma$, since a wider blur crosses zero less steeply.)
#
# How good are these edges? Canny's detector (1986) is the usual yardstick. It takes the peaks of the gradient and
# follows them along the edge. We count how often one finds a line within a pixel of the other's, and, to judge that
# number, how much of the whole picture lies that close.

# %% tags=["nbval-ignore-output"]
sigma = 2
log = ndimage.gaussian_laplace(camera, sigma)
ours, canny = zero_crossings(log, strength=0.05 * np.abs(log).max()), feature.canny(camera, sigma)
shares = {}
for name, these, others in (("Canny's near ours", canny, ours), ("ours near Canny's", ours, canny)):
    near = ndimage.binary_dilation(others, np.ones((3, 3)))  # within one pixel
    shares[name] = near[these].mean(), near.mean()
    print(f"{name}: {shares[name][0]:.0%}; of all pixels {shares[name][1]:.0%}")
window = np.s_[30:130, 65:165]
pictures, titles = (
    [camera[window], 1.0 - ours[window], 1.0 - canny[window]],
    ["photograph", "zero crossings of the LoG", "Canny"],
)
plotting.image_grid(pictures, titles, size=2.5, message="Two ways to one outline")
plt.show()

# %%
for name, (share, chance) in shares.items():
    assert share > 2 * chance
    print(f"{name}: more than twice as often as by chance: {share > 2 * chance}")
assert shares["Canny's near ours"][0] > 0.8

# %% [markdown]
# Most of Canny's lines are ours too, and we have more: zero crossings form closed curves, which run on through places
# where there is little to see. Canny drops those, and looks along the gradient only, while the Laplacian adds the
# direction across it, which shifts the lines where an edge bends.
#
# ### A bridge to chapter 10: vessels of the eye
#
# A vessel on a photograph of the retina (视网膜) is a dark line. The Laplacian is positive on a dark line, and a LoG
# answers most when its size fits. Which $\sigma$ fits which width? We ask bars of known width.

# %%
for width in (4, 8, 12):
    bar = np.ones((9, 121))
    bar[:, 60 - width // 2 : 60 + width // 2] = 0
    candidates = np.arange(1, 10, 0.5)
    peaks = [sigma**2 * ndimage.gaussian_laplace(bar, (sigma, sigma))[4].max() for sigma in candidates]
    print(f"a dark bar of {width:2} pixels answers most at sigma {candidates[np.argmax(peaks)]}")

# %%
green = halve(datasets.photos("retina")[0, 1] / 255.0)[110:270, 95:255]  # the channel in which vessels are darkest
sigmas = (1.5, 4)
smoothed = [ndimage.gaussian_filter(green, sigma) for sigma in sigmas]
answers = [sigma**2 * ndimage.gaussian_laplace(green, sigma) for sigma in sigmas]
titles = [f"σ = {sigma}" for sigma in sigmas]
message = "Thin vessels at one scale, thick ones at another"
figure = plotting.picture_rows(smoothed, answers, titles, message, labels=("smoothed", "LoG"), limit=0.1, size=2.6)
plt.show()
print(datasets.photo_credit("retina"))

# %% [markdown]
# Half the width: the small $\sigma$ answers to thin vessels, and to thick ones by their two rims; the large $\sigma$
# answers along the middle of the thick ones, and passes over the finest. One size does not fit all; the networks of
# later chapters have many kernels, on several scales. This is a picture, not a diagnosis: a red line here says "dark
# and thin", and nothing about health.
#
# ## 6 Can the kernel be found by itself?
#
# So far we chose the weights by thinking. Now suppose that we have only pictures $x$ and their answers $y$, and want
# the $w$ behind them. Start from any $w$ and measure how wrong it is by the mean squared error, the loss (损失)
#
# $$L(w) = \frac1n \sum_{i,j} (\hat y_{ij} - y_{ij})^2, \qquad \hat y = w * x$$
#
# $$\frac{\partial L}{\partial w_{uv}} = \frac2n \sum_{i,j} (\hat y_{ij} - y_{ij})\, x_{i+u,\,j+v}$$
#
# where $n$ is the number of output pixels. The second line, the derivative, says how the loss grows with the weight
# $w_{uv}$: a pixel counts by how wrong the output is that it went into. So we go a small step the other way, $w
# \leftarrow w - \eta\, \partial L / \partial w$ with a learning rate (学习率) $\eta$, and repeat: that is gradient descent
# (梯度下降). Paddle computes the derivative itself; we check it once against the formula.

# %%
size, count = 32, 16
pictures = {"noise": rng.standard_normal((count, 1, size, size))}  # [N, 1, 32, 32]
start = 0.1 * rng.standard_normal((3, 3))


def with_answers(x, w=four):
    """Inputs scaled to a mean square of 1, and what the kernel answers to them."""
    x = x / np.sqrt((x**2).mean())
    return x, ops.conv2d_shift_and_add(x, w[None, None])


def layer_from(w):
    """A Paddle layer with one 3x3 kernel and no bias, starting at w."""
    layer = paddle.nn.Conv2D(1, 1, 3, bias_attr=False)
    layer.weight.set_value(w[None, None].astype("float32"))
    return layer


x, y = with_answers(pictures["noise"])
wrong = ops.conv2d_shift_and_add(x, start[None, None]) - y  # [N, 1, 30, 30]
formula = [[2 * (wrong * x[:, :, u : u + 30, v : v + 30]).mean() for v in range(3)] for u in range(3)]

# %%
layer = layer_from(start)
loss = ((layer(paddle.to_tensor(x.astype("float32"))) - paddle.to_tensor(y.astype("float32"))) ** 2).mean()
loss.backward()
assert np.abs(layer.weight.grad.numpy()[0, 0] - formula).max() < 1e-3 * np.abs(formula).max()
print("Paddle's derivative equals the formula")

# %% [markdown]
# **Predict first:** the input is pure noise, pictures in which nobody would see an edge. Can a Laplacian be learned
# from them?


# %%
def learn(x, y, steps, lr=0.1):
    """Gradient descent from `start`; the kernel [3, 3] and the loss after every step."""
    layer = layer_from(start)
    optimizer = paddle.optimizer.SGD(lr, parameters=layer.parameters())
    x, y = paddle.to_tensor(x.astype("float32")), paddle.to_tensor(y.astype("float32"))
    kernels, losses = [], []
    for _ in range(steps):
        loss = ((layer(x) - y) ** 2).mean()
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
        kernels.append(layer.weight.numpy()[0, 0])
        losses.append(loss.item())
    return np.array(kernels), losses


kernels, losses = learn(x, y, steps=100)
error = np.abs(kernels[-1] - four).max()
assert error < 1e-2
print("learned:               true:")
for row, true in zip(kernels[-1].round(1) + 0.0, four, strict=True):
    print("  ".join(f"{value:4.1f}" for value in row), "    ", "  ".join(f"{value:4.1f}" for value in true))
print("largest difference below 0.01:", error < 1e-2)

# %% [markdown]
# Nobody told the layer about second derivatives: the pairs did. But do all pictures teach as well? We try two more
# kinds: parts of a photograph, and ramps, the smoothest pictures that are not constant. What can be learned at all
# shows in the windows that the kernel sees: nine unknown weights need nine independent windows.

# %%
corners = rng.integers(0, 256 - size, (count, 2))
pictures["photographs"] = np.stack([camera[a : a + size, b : b + size] for a, b in corners])[:, None]
tilt = rng.standard_normal((2, count, 1, 1, 1))
pictures["ramps"] = 3 + tilt[0] * np.linspace(-1, 1, size) + tilt[1] * np.linspace(-1, 1, size)[:, None]


def windows(x):
    """Every 3x3 window of x [N, 1, H, W] as a row: [N H' W', 9]."""
    return np.lib.stride_tricks.sliding_window_view(x[:, 0], (3, 3), axis=(1, 2)).reshape(-1, 9)


for name, x in {**pictures, "one tiny picture of noise": pictures["noise"][:1, :, :4, :4]}.items():
    rows = windows(with_answers(x)[0])
    print(f"{name}: {len(rows):,} windows, {np.linalg.matrix_rank(rows)} independent")

# %% tags=["nbval-ignore-output"]
steps = run.pick(full=2000, quick=300)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
errors = {}
for name, x in pictures.items():
    x, y = with_answers(x)
    kernels, losses = learn(x, y, steps)
    errors[name] = np.abs(kernels - four).max(axis=(1, 2))
    left.plot(np.arange(1, steps + 1), losses, label=name)
    right.plot(np.arange(1, steps + 1), errors[name], label=name)
for axis, title in ((left, "The loss falls in all three cases"), (right, "but only noise teaches the kernel")):
    axis.set(xscale="log", yscale="log", xlabel="step")
    axis.set_title(title)
left.set(ylabel="mean squared error", ylim=(1e-8, None))
right.set(ylabel="largest error of a weight", ylim=(1e-4, None))
right.legend()
plt.show()

# %%
x, y = with_answers(pictures["photographs"])
solved = np.linalg.lstsq(windows(x), y.ravel(), rcond=None)[0].reshape(3, 3)
assert errors["noise"][-1] < 1e-2 and errors["ramps"][-1] > 1 and errors["photographs"][-1] > 0.1
assert np.abs(solved - four).max() < 1e-6
print("noise teaches the kernel:", errors["noise"][-1] < 1e-2)
print("ramps do not:", errors["ramps"][-1] > 1)
print("photographs did not within these steps:", errors["photographs"][-1] > 0.1)
print("the photographs do hold it, an exact solver finds it:", np.abs(solved - four).max() < 1e-6)

# %% [markdown]
# A low loss is not a right kernel. *Ramps* cannot tell kernels apart: they hold three things only, a brightness and two
# slopes, and every symmetric kernel that sums to zero answers 0 to all three, just as the Laplacian does. *Photographs*
# do hold the answer, but their neighbouring pixels are nearly equal, so some directions of $w$ hardly change the loss
# and gradient descent crawls along them. Chapters 04 and 05 teach two cures: normalize the input, and take better
# steps.
#
# Last, the answers may be noisy themselves. With noise of standard deviation $s$ on every $y$, $n$ output pixels and
# inputs of mean square 1 that do not depend on each other, theory expects an error of about $s / \sqrt n$ in each
# weight. The loss stays near $s^2$; the kernel can still be right.

# %% tags=["nbval-ignore-output"]
noisy_errors = {}
for number in (1, 4, 16):
    x, y = with_answers(pictures["noise"][:number])
    kernels, losses = learn(x, y + rng.standard_normal(y.shape), steps=200)  # s = 1
    noisy_errors[number] = np.sqrt(((kernels[-1] - four) ** 2).mean()), 1 / np.sqrt(y.size)
    error, expected = noisy_errors[number]
    print(f"{number:2} pictures: loss {losses[-1]:.2f}, error of a weight {error:.4f}, expected {expected:.4f}")

# %%
for number, (error, expected) in noisy_errors.items():
    assert error < 3 * expected
    print(f"{number:2} pictures: error of a weight below three times the expected: {error < 3 * expected}")

# %% [markdown]
# ## Recap

# %% tags=["nbval-ignore-output"]
near, chance = shares["Canny's near ours"]
predicted, measured = gains["Laplacian, 4"]
print(
    f"gradient: its direction is wrong by up to {inexact['Sobel']:.1f} degrees (Sobel), {inexact['Scharr']:.1f} (Scharr)"
)
print(f"Laplacian: sum {four.sum():.0f}, so constants give 0; symmetric, so ramps give 0; it responds to bends")
print(f"noise: {predicted:.2f} times as large predicted, {measured:.2f} measured; so smooth first")
print(f"zero crossings of the LoG: {near:.0%} of Canny's lines have one within a pixel, by chance {chance:.0%}")
print(f"learned kernel, largest error after {steps} steps: " + ", ".join(f"{k} {e[-1]:.1g}" for k, e in errors.items()))

# %%
assert near > chance and errors["noise"][-1] < errors["photographs"][-1] < errors["ramps"][-1]

# %% [markdown]
# ## Where the course notes differ

# %%
errata.table("02_edge_detection")

# %% [markdown]
# ## Try it
#
# 1. Subtract the Laplacian from the photograph: `man - answer(man, four)`. Why does it look sharper, and what do the
#    coefficients of the kernel that does both sum to?
# 2. Look at $(i^2 + j^2)/2$ with the eight neighbours. Why is the answer three times that of the four?
# 3. Let gradient descent find Sobel's kernel, or a Gaussian. Then try a kernel with a bias: what do you have to change?
# 4. Give `learn` photographs minus their mean. Does it crawl less?
#
# <details><summary>Questions to check yourself (open for the answers)</summary>
# <p>What does a Laplacian respond to? <em>To a pixel that differs from the mean of its neighbours: to bends of the
# brightness, not to brightness and not to an even slope.</em></p>
# <p>Why must its coefficients sum to zero? <em>Because the answer to a constant picture is the brightness times their
# sum, and a constant picture has no edge.</em></p>
# <p>Why does noise hurt it more than Sobel? <em>Because the noise gain is the root of the sum of its squared
# coefficients, and its large centre counts by its square.</em></p>
# <p>Where is the edge? <em>Where the first derivative peaks, or where the second crosses zero.</em></p>
# <p>The loss is nearly zero. Is the kernel right? <em>Only if the pictures vary enough to tell kernels apart.</em></p>
# </details>
#
# **Next:** chapter 03 turns the signed answers into features: activation and pooling.
#
# ## References
#
# - D. Marr, E. Hildreth, *Theory of edge detection*, Proceedings of the Royal Society B, 1980.
# - J. Canny, *A computational approach to edge detection*, IEEE PAMI, 1986.
# - I. Sobel, G. Feldman, *A 3x3 isotropic gradient operator for image processing*, talk at the Stanford AI project, 1968.
# - J. Prewitt, *Object enhancement and extraction*, in *Picture Processing and Psychopictorics*, 1970.
# - H. Scharr, *Optimal operators in digital image processing*, thesis, Heidelberg, 2000.
# - T. Lindeberg, *Feature detection with automatic scale selection*, International Journal of Computer Vision, 1998.
