"""The data of the chapters, as arrays of a documented shape, type and range.

from course_utils import datasets
data = datasets.digits()
print(data.source)
"""

from course_utils.datasets.cifar import cifar10
from course_utils.datasets.digits import digits
from course_utils.datasets.photos import photo_credit, photos
from course_utils.datasets.splits import Dataset, Split, channel_statistics

__all__ = ["Dataset", "Split", "channel_statistics", "cifar10", "digits", "photo_credit", "photos"]
