# %% [markdown]
# # Edge detection (边缘检测)
#
# A 3×3 kernel can find edges. First we choose its nine weights; at the end we learn them from examples.

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
# An edge (边缘) is a place where the brightness changes fast. How fast something changes is its derivative (导数). Let
# $f_j$ be the brightness of pixel $j$ in one row of a picture. Pixels are one apart, so differences stand in for
# derivatives:
#
# $$f'_j = \frac{(f_{j+1} - f_j) + (f_j - f_{j-1})}{2} = \frac{f_{j+1} - f_{j-1}}{2}$$
#
# $$f''_j = (f_{j+1} - f_j) - (f_j - f_{j-1}) = f_{j+1} - 2 f_j + f_{j-1}$$
#
# Both start from the one-pixel difference on the right of $j$ and the one on its left. Their mean is the slope at $j$, in
# grey levels a pixel; their difference is how much the slope changes at $j$. Both are convolutions in the sense of
# chapter 01, with the kernels $[-\frac12, 0, \frac12]$ and $[1, -2, 1]$.
#
# **Predict first:** what do they give on the row 0 0 0 1 1 1? And on a ramp, 0 0 1 2 3 3?


# %%
def derivatives(f):
    """First and second differences of f [W]; the end pixels are repeated, so that all have one length."""
    padded = np.pad(f, 1, mode="edge")
    left, right = padded[:-2], padded[2:]
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
plotting.derivative_panels(panels, "At an edge the first derivative peaks, the second changes sign", edge=14.5)
plt.show()

# %% [markdown]
# The dashed line marks the edge; each panel has its own scale. There are two ways to find it: the *peak* of the first
# derivative (section 2), or the *zero crossing* (过零点) of the second, where it changes sign (sections 3 to 5). On the
# long ramp the peak becomes a plateau, and the second derivative is zero on all of it, except at its two ends, where the
# row bends.
#
# A picture is a stack of rows, so the same kernel works on all of them. The course's demonstration: a picture of
# $50 \times 50$, white (1) on the left, black (0) from column 30 on, and the kernel $[1, 0, -1]$. **Predict first:** how
# many columns of the response are not zero, and which sign do they have?


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
    print(f"{name}: response {y.shape}, not zero in columns {columns.tolist()}: {y[0, columns].tolist()}")

# %% [markdown]
# Two columns, since the kernel spans the edge in two positions. This kernel counts left minus right, so plus means that
# the left side is the brighter one; the kernels above count right minus left.
#
# ## 2 Which way does an edge run?
#
# A row knows only left and right. A picture $x$ has a slope in two directions, and together they form the gradient
# (梯度) $g = (g_x, g_y)$, a small arrow at every pixel:
#
# $$|g| = \sqrt{g_x^2 + g_y^2}, \qquad \theta = \operatorname{atan2}(g_y, g_x)$$
#
# $g_x$ is the slope to the right, $g_y$ the slope down; $|g|$ says how steep the picture is, and the angle $\theta$
# (`np.arctan2`) in which direction it gets brighter. The edge itself runs at right angles to the arrow ($y$ points down,
# so the angle turns clockwise).
#
# A single row is easily fooled by a bad pixel, so three classical kernels average three rows while they differentiate:
# a column of weights $a$ that sum to 1, times the row $d = [-\frac12, 0, \frac12]$. They differ in $a$ only.

# %%
difference = np.array([[-1, 0, 1]]) / 2  # [1, 3]
columns = {
    "Prewitt": np.array([1, 1, 1]) / 3,
    "Sobel": np.array([1, 2, 1]) / 4,
    "Scharr": np.array([3, 10, 3]) / 16,
}


def gradient_kernels(name):
    """The kernels [3, 3] for the slope to the right and for the slope down."""
    across = np.outer(columns[name], difference)
    return across, across.T


print("Sobel, times 8:")
print((8 * gradient_kernels("Sobel")[0]).astype(int))

# %% [markdown]
# Multiplied by 8 these are the whole numbers that books print. We keep the fractions, since then the response is the
# slope itself. We mirror the picture at its border, as SciPy and scikit-image do, so that the size is kept.


# %%
def response(x, w):
    """What the kernel w [U, V] gives at every pixel of x [H, W]; the mirrored border keeps the size."""
    border = [(size // 2, size // 2) for size in w.shape]
    x = np.pad(x, border, mode="symmetric")
    return ops.conv2d_shift_and_add(x[None, None], w[None, None])[0, 0]  # None adds an axis: [1, 1, H, W]


coins = datasets.photos("coins")[0, 0] / 255.0  # [303, 384], grey values 0..1
theirs = {"Prewitt": filters.prewitt_v, "Sobel": filters.sobel_v, "Scharr": filters.scharr_v}
ramp = np.tile(np.arange(8.0), (8, 1))  # brighter by 1 a pixel
for name, function in theirs.items():
    across, _ = gradient_kernels(name)
    assert np.allclose(2 * response(coins, across), function(coins), atol=1e-9)
    slopes = response(ramp, across)[4, 4], function(ramp)[4, 4]
    print(f"slope of the ramp: {name} {slopes[0]:.0f}, skimage.filters.{function.__name__} {slopes[1]:.0f}")

# %% [markdown]
# The three functions of scikit-image leave out the half in $d$: on the ramp and on all of the photograph they give twice
# the slope. Such a factor does no harm until a threshold is copied from one library to another.

# %% tags=["cover"]
part = coins[20:94, 16:128]
gx, gy = (response(part, w) for w in gradient_kernels("Scharr"))
plotting.gradient_panels(part, gx, gy, "A gradient is an arrow at every pixel, from dark to bright")
plt.show()
print(datasets.photo_credit("coins"))

# %% [markdown]
# A coin is brighter than the table, so all around its rim the arrows point inwards, and the rim runs once through the
# wheel of colours.
#
# Why three sets of weights for one thing? A square grid does not treat all directions alike. We let a wave of brightness,
# 6 pixels long, run in each direction from 0 to 90 degrees, and compare the angle that a kernel finds with the true one.
# **Predict first:** which of the three columns $a$ is the most exact?

# %%
inexact = {}
down, right = np.mgrid[-1:2, -1:2]  # [3, 3] each: the places of the nine pixels
for name in columns:
    across, upright = gradient_kernels(name)
    inexact[name] = 0.0
    for angle in np.radians(np.arange(91)):
        wave = np.sin(2 * np.pi / 6 * (np.cos(angle) * right + np.sin(angle) * down))
        found = np.arctan2((upright * wave).sum(), (across * wave).sum())
        inexact[name] = max(inexact[name], abs(np.degrees(found - angle)))
    print(f"{name:7}: wrong by up to {inexact[name]:.1f} degrees, for waves of 6 pixels")

# %% [markdown]
# Prewitt (1970) takes a plain mean, Sobel (1968) favours the middle row, and Scharr (2000) chose his weights to make the
# direction exact. All three take two kernels and a square root.
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
def print_beside(*kernels):
    """Kernels [3, 3] side by side, with one decimal."""
    for rows in zip(*kernels, strict=True):
        print("      ".join("".join(f"{value:6.1f}" for value in row.round(1) + 0.0) for row in rows))


across, down, diagonal, other = np.zeros((4, 3, 3))
across[1, :] = down[:, 1] = [1, -2, 1]
diagonal[[0, 1, 2], [0, 1, 2]] = other[[0, 1, 2], [2, 1, 0]] = [1, -2, 1]
four = across + down
eight = four + diagonal + other
print_beside(four, eight)

# %% [markdown]
# Read the first one aloud: the sum of the four neighbours, minus four times the pixel. That is
#
# $$4 \cdot (\text{mean of the neighbours} - \text{the pixel})$$
#
# so it responds to a pixel that differs from the mean of its neighbours: plus where the pixel is darker, minus where it
# is brighter. (Many texts, the notes among them, also show the kernel with all signs turned.) From here on red is plus,
# blue is minus, white is zero.
#
# **Predict first:** what is the response at the centre of these six pictures? *Constant:* 3 everywhere. *Ramp:* brighter
# by 1 a pixel. *Step:* 0 up to the centre column, 3 to the right of it. *Line:* one column of 3, all else 0. *Point:* one
# pixel of 3, all else 0. *Bowl:* $(i^2 + j^2)/2$, with $i$ and $j$ counted from the centre.

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
responses = [native(x, four) for x in patterns.values()]  # [5, 5] each: no padding, so without the border
inner = [x[1:-1, 1:-1] for x in patterns.values()]  # the same 5x5 pixels
message = "Nothing at a constant, nothing on a ramp: only bends count"
labels = ("picture", "Laplacian")
figure = plotting.picture_rows(inner, responses, list(patterns), message, labels=labels, values=True, size=1.5)
plt.show()
print(fingerprint(figure))

# %% [markdown]
# - *Constant*: every pixel is the mean of its neighbours. *Ramp*: one neighbour is brighter by as much as the opposite
#   one is darker, so the mean is the pixel again.
# - *Step*: plus on its dark side, minus on its bright side, and the edge runs between the two.
# - *Line* and *point*: the strongest responses; a single bright pixel differs from all its neighbours.
# - *Bowl*: the slope grows by the same amount everywhere, so the response is the same everywhere.
#
# ### Why must the coefficients sum to zero?
#
# Put a picture of constant brightness $c$ under any kernel $w$:
#
# $$y = \sum_{u,v} w_{uv}\, c = c \sum_{u,v} w_{uv}$$
#
# A constant picture has no edge, so $y$ must be 0 for every $c$, and that leaves one choice: $\sum w_{uv} = 0$. A ramp
# must also give 0. A kernel with sum zero does this if it is unchanged by half a turn: opposite neighbours cancel.
#
# **Predict first:** we change the centre from $-4$ to $-3$. The photograph shows a man in a dark coat before a bright sky;
# what becomes of the coat and the sky?


# %%
def halve(x):
    """Every 2x2 block of x [H, W] as its mean; an odd last row or column is dropped."""
    H, W = x.shape[0] // 2, x.shape[1] // 2
    return x[: 2 * H, : 2 * W].reshape(H, 2, W, 2).mean(axis=(1, 3))


leaky = four.copy()
leaky[1, 1] = -3
constant, slope = np.full((9, 9), 10.0), np.tile(10 * np.arange(9.0), (9, 1))  # the ramp's centre has brightness 40
for name, w in {"centre -4": four, "centre -3": leaky, "[-1, 0, 1] / 2": difference}.items():
    flat, tilted = response(constant, w)[4, 4], response(slope, w)[4, 4]
    print(f"{name:14}: sum {w.sum():.0f}; response to a constant 10: {flat:2.0f}, to a ramp of slope 10: {tilted:2.0f}")
camera = halve(datasets.photos("camera")[0, 0] / 255.0)  # [256, 256], grey values 0..1
man = camera[30:130, 65:165]
pictures = [np.clip(response(man, w), -0.8, 0.8) for w in (four, leaky)]  # clipped: weak responses get more colour
message = "Where the sum is not zero, brightness leaks in"
plotting.image_grid(pictures, ["sum 0", "sum 1"], signed=True, size=2.7, message=message)
plt.show()
print(datasets.photo_credit("camera"))

# %% [markdown]
# With sum 1 the sky is red merely because it is bright; the dark coat stays pale. Of the table's last two kernels one is
# unchanged by half a turn but has sum 1, the other has sum 0 but is not unchanged: neither condition alone is enough for
# the ramp.
#
# The libraries agree with us, each with its own habits:

# %%
checks = {
    "scipy.ndimage.laplace": (ndimage.laplace(camera), response(camera, four), 1e-9),
    "skimage.filters.laplace with its sign turned": (-filters.laplace(camera), response(camera, four), 1e-9),
    "Paddle's conv2d in float32": (native(camera, four), response(camera, four)[1:-1, 1:-1], 1e-5),
    "the same with eight neighbours": (native(camera, eight), response(camera, eight)[1:-1, 1:-1], 1e-5),
}
for name, (library, ours, tolerance) in checks.items():
    assert np.abs(library - ours).max() <= tolerance * np.abs(ours).max()
    print(f"{name}: equal to ours within {tolerance:.0e} of the largest response")

# %% [markdown]
# A colour photograph has three channels. The course's demonstration takes the eight neighbours with all signs turned,
# divided by 8, and repeats the kernel for each channel, so that one map comes out: chapter 01's sum over channels. With
# `groups=3` every channel keeps its own response. The three maps add up to the one:

# %%
colour = paddle.to_tensor(datasets.photos("chelsea") / np.float32(255))  # [1, 3, 300, 451]
w = paddle.to_tensor(np.tile(-eight / 8, (3, 1, 1, 1)).astype("float32"))  # [3, 1, 3, 3]
separate = F.conv2d(colour, w, groups=3).numpy()
summed = F.conv2d(colour, w.transpose([1, 0, 2, 3])).numpy()  # the kernel as [1, 3, 3, 3]
assert np.abs(separate.sum(axis=1, keepdims=True) - summed).max() <= 1e-5 * np.abs(summed).max()
print("per channel:", list(separate.shape), " summed:", list(summed.shape))

# %% [markdown]
# ## 4 What does noise do to it?
#
# A camera adds a little noise (噪声) to every pixel: a random number of mean 0. Its standard deviation (标准差) $s$ is its
# typical size, the root of its mean square (the variance, 方差). Noise at different pixels is independent, with standard
# deviation $s$: one pixel's noise says nothing about another's. A response adds up $w_{uv}$ times such numbers. In the
# square of this sum the products of different pixels average to zero, so only $w_{uv}^2 s^2$ remain, and
#
# $$s_{\text{out}} = s \sqrt{\textstyle\sum_{u,v} w_{uv}^2}$$
#
# The root is the kernel's noise gain. **Predict first:** what is it for the two Laplacians of section 3?

# %%
noise = rng.standard_normal((512, 512))
kernels = {"Sobel": gradient_kernels("Sobel")[0], "Laplacian, 4": four, "Laplacian, 8": eight}
gains = {name: (np.sqrt((w**2).sum()), native(noise, w).std()) for name, w in kernels.items()}
for name, (predicted, measured) in gains.items():
    assert abs(measured / predicted - 1) < 0.02
    print(f"{name:12}: noise times {predicted:.2f} predicted, {measured:.2f} measured")

# %% [markdown]
# The four-neighbour Laplacian makes noise more than four times larger, while a step of height 1 gives 1. It responds most
# to isolated pixels, and noise is isolated pixels.
#
# The cure is to smooth first. A Gaussian (高斯) kernel is a weighted mean whose weights fall off smoothly with the distance
# $r$ from the centre, in all directions alike; $\sigma$, in pixels, is its width:
#
# $$G_\sigma(r) \propto e^{-r^2 / 2\sigma^2}, \qquad \sum G_\sigma = 1$$
#
# Smoothing and then a Laplacian are two convolutions. Each only adds up weighted pixels, so together they are one. Its
# kernel is the Laplacian of the Gaussian, LoG (Marr & Hildreth 1980), which can be differentiated on paper:
#
# $$\nabla^2 G_\sigma(r) = \frac{r^2 - 2\sigma^2}{\sigma^4}\, G_\sigma(r)$$
#
# We sample this formula at whole pixels and cut it off, as SciPy does; its sum then misses 0 by a little. Two passes,
# with our $3 \times 3$ Laplacian for the second, take differences instead of derivatives; the larger $\sigma$, the less
# that matters:


# %%
def gaussian(sigma):
    """Weights [2R + 1, 2R + 1] that sum to 1, cut off at R = 4 sigma, rounded."""
    r = np.arange(-int(4 * sigma + 0.5), int(4 * sigma + 0.5) + 1)
    g = np.exp(-(r**2) / (2 * sigma**2))
    return np.outer(g, g) / g.sum() ** 2


def log_kernel(sigma):
    """The Laplacian of the Gaussian, sampled: [2R + 1, 2R + 1]."""
    G = gaussian(sigma)
    i, j = np.indices(G.shape) - len(G) // 2
    return (i**2 + j**2 - 2 * sigma**2) / sigma**4 * G


for sigma in (1, 2, 4):
    w = log_kernel(sigma)
    one, two = response(camera, w), response(response(camera, gaussian(sigma)), four)
    assert np.abs(one - ndimage.gaussian_laplace(camera, sigma)).max() < 1e-9
    away = np.abs(two - one).max() / np.abs(one).max()
    print(f"sigma {sigma}: {w.shape}, sum {w.sum():.4f}; two passes differ by {away:.0%} of the largest response")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2), width_ratios=(1, 1.8))
left.imshow(log_kernel(4), cmap="RdBu_r", vmin=log_kernel(4).min(), vmax=-log_kernel(4).min())
left.set(title="σ = 4, from above", xticks=[], yticks=[])
left.spines[:].set_visible(True)
for sigma in (1, 2, 4):
    w = log_kernel(sigma)
    radius = len(w) // 2
    right.plot(np.arange(-radius, radius + 1), w[radius] / -w.min(), label=f"σ = {sigma}")
right.set(title="middle rows, centre scaled to -1", xlabel="pixels from the centre", ylabel="weight, scaled")
right.legend()
figure.suptitle("A LoG is a Laplacian with a soft, wide centre", x=0.01, ha="left", fontsize=14)
plt.show()

# %% [markdown]
# A blue centre and a red ring, which cancel: a weighted mean of the ring minus one of the disc. (On the right each kernel
# is divided by the absolute value of its centre.)
#
# How much does smoothing help? We divide what we want by what we do not want: the response to a step of height 1 by the
# noise gain. **Predict first:** a wider Gaussian weakens the step's response as well. Which of the two falls faster?

# %%
step = np.tile(1.0 * (np.arange(80) >= 40), (80, 1))
kernels = {"Laplacian, 4": four, "Laplacian, 8": eight, **{f"LoG, sigma {s}": log_kernel(s) for s in (1, 2, 4)}}
print("kernel           step  noise gain  ratio")
for name, w in kernels.items():
    peak, gain = response(step, w).max(), np.sqrt((w**2).sum())
    print(f"{name:12} {peak:8.5f} {gain:11.5f} {peak / gain:6.2f}")

# %% [markdown]
# The noise falls faster than the response to the step, so the ratio grows with $\sigma$. On the photograph:

# %%
head = man[:80, 10:90]
noisy = head + 0.06 * rng.standard_normal(head.shape)
pictures = [head, noisy, ndimage.gaussian_filter(noisy, 1.5)]
responses = [response(head, four), response(noisy, four), response(noisy, log_kernel(1.5))]
responses = [y / np.abs(y).max() for y in responses]
titles = ["clean", "noisy", "smoothed, σ = 1.5"]
message = "Noise drowns the Laplacian; smoothing first brings edges back"
labels = ("picture", "Laplacian")
plotting.picture_rows(pictures, responses, titles, message, labels=labels, limit=0.7, size=2.0)
plt.show()

# %% [markdown]
# The price stands in the upper row: with the noise, fine detail goes. (Each response is divided by its own largest
# absolute value, since a wider Gaussian makes all of them smaller.)
#
# ## 5 Where exactly is the edge?
#
# On the dark side of an edge the LoG is positive, on the bright side negative, and the edge lies between. So we look for
# positive pixels with a neighbour that is not positive. Where hardly anything happens the sign is chance; hence a second
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
    y = ndimage.gaussian_laplace(camera, sigma)
    reference = segmentation.find_boundaries(y > 0, connectivity=1, mode="inner")
    different = np.count_nonzero(zero_crossings(y) != reference)
    assert different == 0
    print(f"sigma {sigma}: {different} of {y.size:,} pixels differ from scikit-image's boundaries of positive regions")

# %% [markdown]
# From here on SciPy computes the LoG: it is equal, and needs fewer products, since it treats rows and columns one after the
# other.
#
# To compare several $\sigma$ we need one rule. A step's response falls with $1/\sigma^2$; we multiply by $\sigma^2$, and
# the peaks are equally high at every $\sigma$ (Lindeberg 1998). But they lie $2\sigma$ apart, so at the crossing between
# them neighbours differ by $1/\sigma$ as much; therefore we divide the strength by $\sigma$. A long straight step of
# height $h$ makes them differ by about $0.4\, h / \sigma$, so strength 0.05 keeps steps above an eighth of the grey scale.
#
# **Predict first:** on the two coins with their stamped faces, do the lines move, merge or vanish when $\sigma$ grows?


# %%
def edges(x, sigma, strength=0.05):
    """The LoG of x [H, W] times sigma^2, and its zero crossings that are stronger than strength / sigma."""
    y = sigma**2 * ndimage.gaussian_laplace(x, sigma)
    return y, zero_crossings(y, strength / sigma)


sigmas = (1, 2, 4, 8)
responses, lines = zip(*(edges(part, sigma) for sigma in sigmas), strict=True)
lines = [1.0 - found for found in lines]
titles, labels = [f"σ = {sigma}" for sigma in sigmas], ("LoG", "zero crossings")
message = "From hairlines to whole coins: σ chooses the size of an edge"
figure = plotting.picture_rows(
    responses, lines, titles, message, signed=(True, False), labels=labels, limit=0.3, size=2.3
)
plt.show()
print(fingerprint(figure))

# %% [markdown]
# At $\sigma = 1$ there are many short pieces inside the coins, and the rims are ragged. From left to right the pieces
# vanish; at $\sigma = 8$ two smooth, round outlines remain.
#
# Another well-known detector is Canny's (1986): it smooths, takes the gradient, and keeps a pixel only where $|g|$ is a
# peak along the arrow. It then drops every line that nowhere exceeds a high threshold, and follows the others as long as
# they stay above a low one. How many of its lines lie within one pixel of ours, and how many of ours of its?

# %%
canny = feature.canny(camera, 2)
agreement = {}
for strength in (0.02, 0.05, 0.08):
    _, ours = edges(camera, 2, strength)
    near = [ndimage.binary_dilation(lines, np.ones((3, 3))) for lines in (ours, canny)]  # within one pixel
    agreement[strength] = near[0][canny].mean(), near[1][ours].mean()
    shares = agreement[strength]
    print(f"strength {strength}: {shares[0]:.0%} of Canny's pixels are near ours, {shares[1]:.0%} of ours near Canny's")
rows = [
    (x[window], 1.0 - edges(x, 2)[1][window], 1.0 - feature.canny(x, 2)[window])
    for x, window in ((camera, np.s_[30:130, 65:165]), (coins, np.s_[20:94, 4:78]))
]
titles = ["photograph", "zero crossings", "Canny"]
message, labels = "Similar lines, not the same (σ = 2)", ("camera", "coins")
plotting.picture_rows(*rows, titles, message, signed=(False, False), labels=labels, size=2.2)
plt.show()

# %% [markdown]
# How well the two agree depends on the thresholds: a low strength finds nearly all of Canny's pixels and many others, a
# high one misses more of them and adds less. Neither detector is the truth.
#
# ### A bridge to chapter 10: vessels of the eye
#
# A vessel on a photograph of the retina (视网膜) is a dark line, and on a dark line the Laplacian is positive. Which
# $\sigma$ fits which width? We try dark bars of known width on a bright ground.

# %%
for width in (4, 8, 12):
    bar = np.ones((9, 121))
    bar[:, 60 - width // 2 : 60 + width // 2] = 0
    candidates = np.arange(1, 10, 0.5)
    peaks = [sigma**2 * ndimage.gaussian_laplace(bar, sigma)[4].max() for sigma in candidates]
    print(f"a dark bar of {width:2} pixels: strongest response at sigma {candidates[np.argmax(peaks)]}")

# %%
green = halve(datasets.photos("retina")[0, 1] / 255.0)[110:270, 95:255]  # the channel in which vessels are darkest
sigmas = (1.5, 4)
smoothed = [ndimage.gaussian_filter(green, sigma) for sigma in sigmas]
responses = [edges(green, sigma)[0] for sigma in sigmas]
titles, labels = [f"σ = {sigma}" for sigma in sigmas], ("smoothed", "LoG")
message = "Small σ for thin vessels, large σ for wide ones"
plotting.picture_rows(smoothed, responses, titles, message, labels=labels, limit=0.1, size=2.3)
plt.show()
print(datasets.photo_credit("retina"))

# %% [markdown]
# The best $\sigma$ is half the width. At $\sigma = 1.5$ thin vessels are red lines, and wide ones split into two, one along
# each rim; at $\sigma = 4$ wide vessels are single, strong bands, and thin ones are pale or gone. The black corner outside
# the eye is red as well: red says "darker than its surroundings", not "vessel", and nothing about health.
#
# ## 6 Can a kernel be learned from examples?
#
# So far we chose the weights. Now suppose that we have only pictures $x$ and the responses $y$ of an unknown kernel. Start
# from any $w$, and measure how wrong its responses $\hat y$ are by their mean squared error, the loss (损失):
#
# $$L(w) = \frac1n \sum_{i,j} (\hat y_{ij} - y_{ij})^2, \qquad \hat y_{ij} = \sum_{u,v} w_{uv}\, x_{i+u,\,j+v}$$
#
# where $n$ is the number of pixels of $y$. How does $L$ change with one weight, while the other eight stay as they are?
# This derivative is written $\partial L / \partial w_{uv}$. A square's derivative is twice its root times the root's
# derivative, and $\hat y_{ij}$ grows by $x_{i+u,\,j+v}$ for each unit of $w_{uv}$:
#
# $$\frac{\partial L}{\partial w_{uv}} = \frac1n \sum_{i,j} 2\, (\hat y_{ij} - y_{ij})\, x_{i+u,\,j+v}$$
#
# The loss falls if we go a small step the other way, $w \leftarrow w - \eta\, \partial L / \partial w$ with a learning rate
# (学习率) $\eta$. Repeated, that is gradient descent (梯度下降). This gradient is the nine derivatives of the loss, one for
# each weight; the one of section 2 was of a picture, by place.
#
# Paddle finds the derivatives itself: `loss.backward()` puts them into `weight.grad`. We check them once.

# %%
noise = rng.standard_normal((16, 1, 32, 32))  # [N, 1, H, W]
start = 0.1 * rng.standard_normal((3, 3))


def with_responses(x):
    """Inputs x [N, 1, H, W] scaled to a mean square of 1, and the Laplacian's responses [N, 1, H - 2, W - 2]."""
    x = x / np.sqrt((x**2).mean())
    return x, ops.conv2d_shift_and_add(x, four[None, None])


def loss_of(layer, x, y):
    """The mean squared error of a layer's responses to x, as a Paddle scalar."""
    return ((layer(paddle.to_tensor(x, dtype="float32")) - paddle.to_tensor(y, dtype="float32")) ** 2).mean()


layer = paddle.nn.Conv2D(1, 1, 3, bias_attr=False)
layer.weight.set_value(start[None, None].astype("float32"))
x, y = with_responses(noise)
loss_of(layer, x, y).backward()
wrong = ops.conv2d_shift_and_add(x, start[None, None]) - y  # [N, 1, 30, 30]
formula = [[(2 * wrong * x[:, :, u : u + 30, v : v + 30]).mean() for v in range(3)] for u in range(3)]
assert np.abs(layer.weight.grad.numpy()[0, 0] - formula).max() < 1e-3 * np.abs(formula).max()
print("weight.grad is the formula, within 1e-3 of the largest of the nine derivatives")

# %% [markdown]
# How large may $\eta$ be? Along any direction of $w$ the loss is a parabola; let $\lambda$ be its second derivative. A step
# multiplies the error along it by $1 - \eta\lambda$, so it shrinks only if $\eta < 2 / \lambda$; beyond, each step
# overshoots by more than the last. Inputs of mean square 1 give each of the nine weights a second derivative of
# about 2, and if all nine pixels are alike, as in smooth pictures, they add up to $\lambda = 18$. So we stay below
# $2/18 = 0.11$ and take $\eta = 0.1$.
#
# **Predict first:** the input is pure noise, pictures in which nobody would see an edge. Can a Laplacian be learned
# from them?


# %%
def learn(x, y, steps, lr=0.1):
    """Gradient descent from `start`: the kernel before each step [steps, 3, 3], and its loss [steps]."""
    layer = paddle.nn.Conv2D(1, 1, 3, bias_attr=False)
    layer.weight.set_value(start[None, None].astype("float32"))
    optimizer = paddle.optimizer.SGD(lr, parameters=layer.parameters())
    kernels, losses = [], []
    for _ in range(steps):
        loss = loss_of(layer, x, y)
        kernels.append(layer.weight.numpy()[0, 0].copy())
        losses.append(loss.item())
        loss.backward()
        optimizer.step()  # w <- w - lr * grad
        optimizer.clear_grad()  # or the next backward() would add to it
    return np.array(kernels), np.array(losses)


kernels, losses = learn(x, y, steps=100)
assert np.abs(kernels[-1] - four).max() < 0.01
print("learned from noise           true")
print_beside(kernels[-1], four)

# %% [markdown]
# The layer saw only input-response pairs. Do all inputs teach equally well? We try two more kinds: parts of the
# photograph, and ramps, pictures with the same slope everywhere.

# %% tags=["nbval-ignore-output"]
corners = rng.integers(0, 256 - 32, (16, 2))
photographs = np.stack([camera[a : a + 32, b : b + 32] for a, b in corners])[:, None]
right, down = rng.standard_normal((2, 16, 1, 1, 1))  # slopes
ramps = 3 + right * np.linspace(-1, 1, 32) + down * np.linspace(-1, 1, 32)[:, None]
pairs = {"noise": with_responses(noise), "photographs": with_responses(photographs), "ramps": with_responses(ramps)}

steps = run.pick(full=2000, quick=300)
learned, errors = {}, {}
figure, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.6))
for name, (x, y) in pairs.items():
    learned[name], losses = learn(x, y, steps)
    errors[name] = np.abs(learned[name] - four).max(axis=(1, 2))
    left.plot(np.arange(1, steps + 1), losses, label=name)
    right.plot(np.arange(1, steps + 1), errors[name], label=name)
left.set(ylabel="mean squared error", ylim=(1e-8, 100))
right.set(ylabel="largest error of a weight", ylim=(1e-4, 10))
for axis in (left, right):
    axis.set(xscale="log", yscale="log", xlabel="step")
right.legend()
message = f"The loss falls for all three; within {steps} steps only noise gives the kernel"
figure.suptitle(message, x=0.01, ha="left", fontsize=14)
plt.show()

# %%
assert errors["noise"][-1] < 0.01 and errors["ramps"][-1] > 1 and errors["photographs"][-1] > 0.1
from_ramps = learned["ramps"][299]
print("after 300 steps on ramps     true")
print_beside(from_ramps, four)
for name, w in {"learned from ramps": from_ramps, "all zeros": np.zeros((3, 3)), "true": four}.items():
    wrong = {kind: ops.conv2d_shift_and_add(x, w[None, None]) - y for kind, (x, y) in pairs.items()}
    print(f"{name:18}: loss on ramps {(wrong['ramps'] ** 2).mean():.3f}, on noise {(wrong['noise'] ** 2).mean():6.3f}")

# %% [markdown]
# A low loss is not a right kernel. On *ramps* the true response is 0 everywhere, so even a kernel of nine zeros has loss 0
# (which is also why the loss curves do not compare): ramps cannot tell such kernels apart. *Photographs* have not got
# there, but their error still falls at the last step. Neighbouring pixels of a photograph are nearly equal, so moving
# weight from one to the next hardly changes the loss, and the steps are small. Chapters 04 and 05 teach two cures:
# normalize the input, and take better steps.
#
# ## Recap

# %% tags=["nbval-ignore-output"]
predicted, measured = gains["Laplacian, 4"]
near_ours, near_canny = agreement[0.05]
sobel, scharr = inexact["Sobel"], inexact["Scharr"]
print(f"gradient: direction wrong by up to {sobel:.1f} degrees (Sobel), {scharr:.1f} (Scharr), for waves of 6 pixels")
print(f"Laplacian: its coefficients sum to {four.sum():.0f}, so constants give 0; it responds to bends")
print(f"noise: {predicted:.2f} times as large predicted, {measured:.2f} measured; so smooth first")
print(f"at strength 0.05: {near_ours:.0%} of Canny's pixels near our lines, {near_canny:.0%} of ours near Canny's")
print(f"learned, largest error after {steps} steps: " + ", ".join(f"{k} {e[-1]:.1g}" for k, e in errors.items()))

# %% [markdown]
# ## Where the course notes differ

# %%
assert errors["noise"][-1] < errors["photographs"][-1] < errors["ramps"][-1]
errata.table("02_edge_detection")

# %% [markdown]
# ## Try it
#
# 1. Subtract the Laplacian from the photograph: `man - response(man, four)`. Why does it look sharper, and what do the
#    coefficients of the kernel that does both sum to?
# 2. Look at $(i^2 + j^2)/2$ with the eight neighbours. Why is the response three times that of the four?
# 3. Call `learn` on photographs with `lr=0.12`. How soon does the loss grow?
# 4. Give `learn` photographs minus their mean. Does the error fall faster?
#
# To check yourself; each question opens to its answer.
#
# <details><summary>What does a Laplacian respond to?</summary>To a pixel that differs from the mean of its
# neighbours: to bends of the brightness, not to brightness and not to an even slope.</details>
#
# <details><summary>Why must its coefficients sum to zero?</summary>Because the response to a constant picture is the
# brightness times their sum, and a constant picture has no edge.</details>
#
# <details><summary>Why does noise hurt it more than Sobel?</summary>Because the noise gain is the root of the sum of
# its squared coefficients, and its large centre counts by its square.</details>
#
# <details><summary>Where is the edge?</summary>Where the first derivative peaks, or where the second changes
# sign.</details>
#
# <details><summary>The loss is nearly zero. Is the kernel right?</summary>Only if the pictures vary enough to tell
# kernels apart.</details>
#
# **Next:** [chapter 03](03_pooling_and_activation.ipynb) turns the signed responses into features: activation and pooling.
#
# ## References
#
# - D. Marr, E. Hildreth, *Theory of edge detection*, Proceedings of the Royal Society B, 1980.
# - J. Canny, *A computational approach to edge detection*, IEEE PAMI, 1986.
# - I. Sobel, G. Feldman, *A 3x3 isotropic gradient operator for image processing*, talk at the Stanford AI project, 1968.
# - J. Prewitt, *Object enhancement and extraction*, in *Picture Processing and Psychopictorics*, 1970.
# - H. Scharr, *Optimal operators in digital image processing*, thesis, Heidelberg, 2000.
# - T. Lindeberg, *Feature detection with automatic scale selection*, International Journal of Computer Vision, 1998.
