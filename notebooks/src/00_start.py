# %% [markdown]
# # Start here (开始)
#
# Chapters that you run, change and run again. Every number that they state is computed in front of you.

# %% [markdown]
# {card}

# %% tags=["nbval-ignore-output"]
from course_utils import settings

run = settings.setup("00_start", seed=0)

# %% [markdown]
# That line stands first in every chapter: which Paddle, on which device, with which data, how long a run, and the seed
# of everything random. If yours says *none found: samples*, all chapters run on what comes with the packages, and the
# section on data below shows how to get the real ones.
#
# ## The chapters

# %% [markdown]
# {chapters}

# %% [markdown]
# ## Where is my lesson?
#
# The chapters follow a course of video lessons, study notes on it, and the book *Neural Networks and Deep Learning: Cases
# and Practice* (神经网络与深度学习：案例与实践). Find your lesson, open the chapter.
#
# | Lesson | In the book | Chapter | Homework |
# | --- | --- | --- | --- |
# | convolution, sizes, parameters, operations | 5.1, 5.2 | [01_convolution](01_convolution.ipynb) | [hw1_counting](homework/hw1_counting.ipynb), [hw2_operators](homework/hw2_operators.ipynb) |
# | edges, the Laplacian | 5.1.7 | [02_edge_detection](02_edge_detection.ipynb) | |
# | pooling, activation functions | 5.2 | [03_pooling_and_activation](03_pooling_and_activation.ipynb) | [hw3_activation_norm_dropout](homework/hw3_activation_norm_dropout.ipynb) |
# | batch normalization, dropout | 7 | [04_batchnorm_and_dropout](04_batchnorm_and_dropout.ipynb) | [hw3_activation_norm_dropout](homework/hw3_activation_norm_dropout.ipynb) |
# | losses, optimizers, back-propagation | 7 | [05_losses_and_optimizers](05_losses_and_optimizers.ipynb) | [hw4_losses_optimizers](homework/hw4_losses_optimizers.ipynb) |
# | LeNet on handwritten digits | 5.3 | [06_lenet_digits](06_lenet_digits.ipynb) | [hw5_networks](homework/hw5_networks.ipynb) |
# | AlexNet, VGG, Inception, MobileNet | | [07_alexnet_to_mobilenet](07_alexnet_to_mobilenet.ipynb) | [hw5_networks](homework/hw5_networks.ipynb) |
# | residual networks on digits | 5.4 | [08_resnet_digits](08_resnet_digits.ipynb) | [hw5_networks](homework/hw5_networks.ipynb) |
# | residual networks on CIFAR-10 | 5.5 | [09_resnet_cifar10](09_resnet_cifar10.ipynb) | |
# | eye-disease screening | | [10_eye_disease_screening](10_eye_disease_screening.ipynb) | [hw6_screening](homework/hw6_screening.ipynb) |
# | recurrent networks, LSTM | 6 | [11_rnn_lstm](11_rnn_lstm.ipynb) | [hw7_recurrent](homework/hw7_recurrent.ipynb) |
#
# All places where notes and book are wrong or loose stand together in [errata](errata.ipynb). In the folder of this page
# lie:

# %%
from pathlib import Path

numbered = sorted(path.stem for path in Path().glob("[0-9][0-9]_*.ipynb") if "." not in path.stem)
print("chapters:", *numbered[1:], sep="\n  ")
print("homework:", len(list(Path("homework").glob("hw*.ipynb"))), "sheets")

# %% [markdown]
# ## How to read a chapter
#
# - **Predict first** asks a question whose answer the next cell computes. Write your guess down before you run it; a wrong
#   guess teaches more than a right answer.
# - **Try it** suggests changes. The notebook is yours: change anything. `course study --reset 01` brings the original of
#   chapter 01 back and keeps your version beside it.
# - **Where the course notes differ** lists what the notes say otherwise, computed again.
# - Under some pictures stands a line such as the one below. It says what the picture consists of and ends in a
#   fingerprint of 64 bits, so that our tests notice when a picture changes. You may read past it.

# %%
import matplotlib.pyplot as plt
import numpy as np

from course_utils.fingerprint import fingerprint

x = np.linspace(0, 2 * np.pi, 200)
figure, axis = plt.subplots(figsize=(6, 2.2))
axis.plot(x, np.sin(x), label="sin x")
axis.plot(x, np.cos(x), label="cos x")
axis.set(xlabel="x")
axis.set_title("Two curves, to try the fingerprint")
axis.legend()
plt.show()
print(fingerprint(figure))

# %% [markdown]
# ## How to set device, data and length
#
# Variables of the environment decide, so no cell has to be changed:
#
# | Variable | Values | Meaning |
# | --- | --- | --- |
# | `COURSE_DEVICE` | `auto`, `cpu`, `gpu:0` | where to compute (CUDA is written for, and unproven) |
# | `COURSE_DATA` | `auto`, `sample`, `real` | real data where they lie, only samples, or real or nothing |
# | `COURSE_DATA_DIR` | a folder | where the data sets lie |
# | `COURSE_PROFILE` | `full`, `quick` | the reader's length, or the short one that our tests run |
# | `COURSE_CONV` | `auto`, `onednn`, `paddle` | whose convolution trains on a CPU: oneDNN's where it is of use, or Paddle's |
# | `OMP_NUM_THREADS` | a whole number | threads of Paddle and NumPy |
# | `COURSE_SEED` | a whole number | another seed for everything random |
#
# Set them before JupyterLab starts (`COURSE_PROFILE=quick make study`), or in a first cell, before `setup`:
# `%env COURSE_PROFILE=quick`. A value that does not exist is told at once:

# %%
import os

kept = os.environ.get("COURSE_PROFILE")
os.environ["COURSE_PROFILE"] = "fast"
try:
    settings.current()
except ValueError as error:
    print(error)
if kept is None:
    del os.environ["COURSE_PROFILE"]
else:
    os.environ["COURSE_PROFILE"] = kept

# %% [markdown]
# ## Where do the data lie?
#
# Every chapter runs without a download, on samples that come with the packages, and says which data it used where it
# loads them. For the real ones, in a terminal (*File → New → Terminal*): `course data list` shows all sets,
# `course data get mnist` fetches one and checks it, `course data get mnist --from FOLDER` takes it from a stick.

# %% tags=["nbval-ignore-output"]
from course_utils import registry

sets = registry.entries()
for name, entry in sets.items():
    print(f"{name:8} {'here' if registry.find(name) else 'not here':9} {entry.title}")

# %%
assert list(sets) == ["mnist", "cifar10", "palm"]
print("sets that the chapters can use:", ", ".join(sets))

# %% [markdown]
# ## What if a cell fails?
#
# 1. Read the last line of what it printed: our own errors are one sentence that says what was wrong and what to do.
# 2. Cells build on each other. *Kernel → Restart Kernel and Run All Cells* brings back what an earlier cell made.
# 3. In a terminal, `course doctor` says what is missing on this machine and how to mend it.
# 4. Start over from the original: `course study --reset 01`.
#
# An example of such a sentence, for a kernel that does not fit into its picture:

# %%
from course_utils.arithmetic import conv_output_size

try:
    conv_output_size(5, 7)
except ValueError as error:
    print(error)

# %% [markdown]
# **Next:** [chapter 01, convolution](01_convolution.ipynb).
