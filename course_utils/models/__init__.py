"""The networks of the course."""

from course_utils.models.alexnet import AlexNet, alexnet
from course_utils.models.googlenet import GoogLeNet, Inception, googlenet
from course_utils.models.lenet import LeNet5, LeNet1998
from course_utils.models.resnet import ResNet, cifar_resnet, resnet18, resnet34, resnet50
from course_utils.models.vgg import VGG, vgg, vgg16
from course_utils.models.weights import copy_weights

__all__ = [
    "VGG",
    "AlexNet",
    "GoogLeNet",
    "Inception",
    "LeNet5",
    "LeNet1998",
    "ResNet",
    "alexnet",
    "cifar_resnet",
    "copy_weights",
    "googlenet",
    "resnet18",
    "resnet34",
    "resnet50",
    "vgg",
    "vgg16",
]
