"""Homework: the same questions checked in the student's notebook and graded at the teacher's."""

from course_utils.homework.seat import Homework

__all__ = ["Homework"]
