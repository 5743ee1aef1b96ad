"""The data of the chapters, as arrays of a documented shape, type and range.

from course_utils import datasets
data = datasets.digits()
print(data.source)
"""

from course_utils.datasets.cifar import cifar10
from course_utils.datasets.digits import digits
from course_utils.datasets.fundus import fundus
from course_utils.datasets.fundus_pictures import squash
from course_utils.datasets.fundus_splits import Fundus, FundusSplit
from course_utils.datasets.photos import photo_credit, photos
from course_utils.datasets.splits import Dataset, Split, channel_statistics

__all__ = [
    "Dataset",
    "Fundus",
    "FundusSplit",
    "Split",
    "channel_statistics",
    "cifar10",
    "digits",
    "fundus",
    "photo_credit",
    "photos",
    "squash",
]
