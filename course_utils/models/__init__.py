"""The networks of the course."""

from course_utils.models.alexnet import AlexNet, alexnet
from course_utils.models.cells import CellNet, InceptionResNetA, NasNetCell
from course_utils.models.googlenet import GoogLeNet, Inception, googlenet
from course_utils.models.lenet import LeNet5, LeNet1998
from course_utils.models.mobilenet import DepthwiseSeparable, MobileNet, mobilenet
from course_utils.models.recurrent import SequenceClassifier
from course_utils.models.resnet import ResNet, cifar_resnet, resnet18, resnet34, resnet50
from course_utils.models.screening import ScreeningLeNet, fundus_net, screening_alexnet
from course_utils.models.small import small_nets
from course_utils.models.vgg import VGG, vgg, vgg16
from course_utils.models.weights import copy_weights

__all__ = [
    "VGG",
    "AlexNet",
    "CellNet",
    "DepthwiseSeparable",
    "GoogLeNet",
    "Inception",
    "InceptionResNetA",
    "LeNet5",
    "LeNet1998",
    "MobileNet",
    "NasNetCell",
    "ResNet",
    "ScreeningLeNet",
    "SequenceClassifier",
    "alexnet",
    "cifar_resnet",
    "copy_weights",
    "fundus_net",
    "googlenet",
    "mobilenet",
    "resnet18",
    "resnet34",
    "resnet50",
    "screening_alexnet",
    "small_nets",
    "vgg",
    "vgg16",
]
