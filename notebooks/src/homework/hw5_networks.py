# %% [markdown]
# # Homework 5: networks (网络)
#
# Two nets built with Paddle, three counts, and one net trained. Chapters 06, 07 and 08 have all that you need. For a net, the
# checks put weights of their own into yours, in the order of its parameters, and compare what comes out.

# %% [markdown]
# Student ID (学号): write it here
#
# Name (姓名): write it here

# %%
from course_utils.homework import Homework

hw = Homework("hw5")

# %%
import paddle
import paddle.nn.functional as F
from paddle import nn

# %% [markdown]
# ## Question 1: LeNet-5 (6 points)
#
# The modern form for `x` of shape `[N, 1, 32, 32]`: convolution 6@5x5, ReLU, max pooling 2; convolution 16@5x5, ReLU, max pooling
# 2; convolution 120@5x5, ReLU; fully connected 84, ReLU; fully connected 10. Give logits, `[N, 10]`. Every convolution has
# stride 1, no padding and biases. Create the layers in this order.


# %% tags=["stub"]
class LeNet(nn.Layer):
    def __init__(self):
        super().__init__()
        raise NotImplementedError

    def forward(self, x):
        raise NotImplementedError


# %% tags=["solution"]
class LeNet(nn.Layer):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2D(1, 6, 5)
        self.c3 = nn.Conv2D(6, 16, 5)
        self.c5 = nn.Conv2D(16, 120, 5)
        self.f6 = nn.Linear(120, 84)
        self.output = nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.c1(x)), 2, 2)
        x = F.max_pool2d(F.relu(self.c3(x)), 2, 2)
        x = F.relu(self.c5(x)).flatten(1)
        return self.output(F.relu(self.f6(x)))


# %%
hw.check("q1", LeNet)

# %% [markdown]
# ## Question 2: parameters of a grouped convolution (4 points)
#
# AlexNet's two towers are a convolution with two groups (分组卷积): a kernel reads the channels of its own group only. How many
# parameters has such a layer, with a bias for each output? `groups` divides both numbers of channels. An example: 4 channels in, 4
# out, 3x3 kernels, 2 groups: 76.


# %% tags=["stub"]
def grouped_parameters(in_channels, out_channels, kernel_size, groups):
    raise NotImplementedError


# %% tags=["solution"]
def grouped_parameters(in_channels, out_channels, kernel_size, groups):
    weights = out_channels * in_channels // groups * kernel_size**2
    return weights + out_channels


# %%
hw.check("q2", grouped_parameters)

# %% [markdown]
# ## Question 3: parameters of an Inception block (6 points)
#
# `widths` is `(one, (before3, three), (before5, five), pooled)`: a branch of `one` 1x1 kernels; one of `before3` 1x1 kernels and then
# `three` 3x3 kernels; one of `before5` 1x1 and then `five` 5x5 kernels; one of max pooling and then `pooled` 1x1 kernels. Every
# convolution has biases. The example is GoogLeNet's block 3a, with 192 channels in and 64, (96, 128), (16, 32), 32.


# %% tags=["stub"]
def inception_parameters(in_channels, widths):
    raise NotImplementedError


# %% tags=["solution"]
def inception_parameters(in_channels, widths):
    one, (before3, three), (before5, five), pooled = widths

    def convolution(c, d, k):
        return d * (c * k * k + 1)

    total = convolution(in_channels, one, 1) + convolution(in_channels, pooled, 1)
    total += convolution(in_channels, before3, 1) + convolution(before3, three, 3)
    return total + convolution(in_channels, before5, 1) + convolution(before5, five, 5)


# %%
hw.check("q3", inception_parameters)

# %% [markdown]
# ## Question 4: what a depthwise separable convolution saves (5 points)
#
# A layer keeps a map of `size` times `size` pixels; its kernels are `kernel_size` squared, its stride is 1. Count the
# multiply-accumulates of a plain convolution of `out_channels` kernels, and of a depthwise separable (深度可分离) one: a kernel for
# each input channel, then a 1x1 convolution to `out_channels`. No bias. Return the tuple `(plain, separable)`.


# %% tags=["stub"]
def separable_macs(in_channels, out_channels, kernel_size, size):
    raise NotImplementedError


# %% tags=["solution"]
def separable_macs(in_channels, out_channels, kernel_size, size):
    depthwise = in_channels * kernel_size**2 * size**2
    pointwise = in_channels * out_channels * size**2
    return out_channels * depthwise, depthwise + pointwise


# %%
hw.check("q4", separable_macs)

# %% [markdown]
# ## Question 5: a residual unit (8 points)
#
# `ResidualUnit(in_channels, out_channels, stride)`: 3x3 convolution with this stride, BatchNorm, ReLU, 3x3 convolution,
# BatchNorm; then the shortcut is added, and a ReLU follows. The first 3x3 convolution has the stride, the second has stride 1. The
# shortcut is the input itself where the shapes agree, and else a 1x1 convolution with this stride and BatchNorm. The 3x3
# convolutions have padding 1, none has a bias. Assign the layers in this order, those of the shortcut last. The check runs the unit
# in evaluation mode.


# %% tags=["stub"]
class ResidualUnit(nn.Layer):
    def __init__(self, in_channels, out_channels, stride):
        super().__init__()
        raise NotImplementedError

    def forward(self, x):
        raise NotImplementedError


# %% tags=["solution"]
class ResidualUnit(nn.Layer):
    def __init__(self, in_channels, out_channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2D(in_channels, out_channels, 3, stride, padding=1, bias_attr=False)
        self.bn1 = nn.BatchNorm2D(out_channels)
        self.conv2 = nn.Conv2D(out_channels, out_channels, 3, padding=1, bias_attr=False)
        self.bn2 = nn.BatchNorm2D(out_channels)
        self.shortcut = None
        if stride != 1 or in_channels != out_channels:
            projection = nn.Conv2D(in_channels, out_channels, 1, stride, bias_attr=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2D(out_channels))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.shortcut is None else self.shortcut(x)))


# %%
hw.check("q5", ResidualUnit)

# %% [markdown]
# ## Question 6: classify digits (6 points)
#
# Train any net you like on `train_images` `[N, 8, 8]` (float32, values 0 to 1) and `train_labels` `[N]` (int64), and give the labels
# of `images` as whole numbers `[M]`; all are NumPy arrays. At least 92 % must be right. One call may take a minute. Set a seed, so that
# your net is the same each time.


# %% tags=["stub"]
def classify(train_images, train_labels, images):
    raise NotImplementedError


# %% tags=["solution"]
def classify(train_images, train_labels, images):
    paddle.seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = paddle.optimizer.Adam(0.005, parameters=net.parameters())
    x, y = paddle.to_tensor(train_images), paddle.to_tensor(train_labels)
    for _ in range(150):
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
    return net(paddle.to_tensor(images)).argmax(axis=1).numpy()


# %%
hw.check("q6", classify)

# %% [markdown]
# ## Open question (6 points, marked by your teacher)
#
# AlexNet has 62 million parameters and ResNet-50 has 26 million. Where does AlexNet keep them, and what did ResNet change?
#
# *Your answer:*

# %%
hw.progress()
