# %% [markdown]
# # Errata of the notes (勘误)
#
# Every place where the course notes and the book are wrong, loose, or right and worth a check, each with its proof.

# %% [markdown]
# {card}

# %% tags=["nbval-ignore-output"]
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np

from course_utils import errata, settings

run = settings.setup("errata", seed=0)

# %% [markdown]
# The course notes, five documents in Chinese, have a register of sixty items, E1 to E60; a letter tells parts of one
# item apart. B items are the book's, P items those of the lesson on eye disease. Each stands in the chapter where its
# subject is taught, and here by chapter. *wrong* means that a calculation or a source contradicts the notes; *loose*,
# that it is true in one reading or convention; *right*, that it is correct and worth computing again.
#
# No number in the column *computed* is typed in: an item is a handful of expressions and a proof over them, which ran a
# moment ago. Click *proof* to see them. Spelling and facts of history have a source in place of a proof.

# %%
items = errata.items()
registered = {int("".join(filter(str.isdigit, item.id))) for item in items if item.id.startswith("E")}
print(f"register: {len(registered)} of 60 items, missing: {sorted(set(range(1, 61)) - registered) or 'none'}")
for status, count in sorted(Counter(item.status for item in items).items()):
    proven = sum(bool(item.workings) for item in items if item.status == status)
    print(f"{status:6} {count:3} items, {proven:3} with a proof, {count - proven:3} with a source")

# %% tags=["cover"]
chapters = sorted({item.chapter for item in items})
figure, axis = plt.subplots(figsize=(9, 4.2))
left = np.zeros(len(chapters))
for status, hatch in (("wrong", ""), ("loose", "//"), ("right", "..")):
    counts = [sum(item.chapter == chapter and item.status == status for item in items) for chapter in chapters]
    axis.barh(chapters, counts, left=left, label=status, hatch=hatch, edgecolor="white")
    left += counts
axis.invert_yaxis()
axis.xaxis.get_major_locator().set_params(integer=True)
axis.set(xlabel="items", title="Where the notes differ, by chapter")
axis.legend()
plt.show()

# %% [markdown]
# ## [01 Convolution](01_convolution.ipynb)

# %%
errata.table("01_convolution", proofs=True)

# %% [markdown]
# ## [02 Edge detection](02_edge_detection.ipynb)

# %%
errata.table("02_edge_detection", proofs=True)

# %% [markdown]
# ## [03 Pooling, activation, the layer stack](03_pooling_and_activation.ipynb)

# %%
errata.table("03_pooling_and_activation", proofs=True)

# %% [markdown]
# ## [04 Batch normalization and dropout](04_batchnorm_and_dropout.ipynb)

# %%
errata.table("04_batchnorm_and_dropout", proofs=True)

# %% [markdown]
# ## [05 Losses and optimizers](05_losses_and_optimizers.ipynb)

# %%
errata.table("05_losses_and_optimizers", proofs=True)

# %% [markdown]
# ## [06 LeNet-5 on handwritten digits](06_lenet_digits.ipynb)

# %%
errata.table("06_lenet_digits", proofs=True)

# %% [markdown]
# ## [07 From AlexNet to Inception and small nets](07_alexnet_to_mobilenet.ipynb)

# %%
errata.table("07_alexnet_to_mobilenet", proofs=True)

# %% [markdown]
# ## [08 Residual networks on digits](08_resnet_digits.ipynb)

# %%
errata.table("08_resnet_digits", proofs=True)

# %% [markdown]
# ## [09 A residual network on CIFAR-10](09_resnet_cifar10.ipynb)

# %%
errata.table("09_resnet_cifar10", proofs=True)

# %% [markdown]
# ## [10 Eye-disease screening](10_eye_disease_screening.ipynb)

# %%
errata.table("10_eye_disease_screening", proofs=True)

# %% [markdown]
# ## [11 RNN and LSTM](11_rnn_lstm.ipynb)

# %%
errata.table("11_rnn_lstm", proofs=True)

# %% [markdown]
# **Next:** back to [the map](00_start.ipynb).
