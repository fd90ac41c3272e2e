"""A method that has the name of a constructor parameter."""

import functools
from types import MethodType


class _BoundStep:
    """Called, the step; compared or printed, the parameter's value."""

    def __init__(self, step, value):
        self._step = step
        self._value = value
        functools.update_wrapper(self, step)

    def __call__(self, *args, **kwargs):
        return self._step(*args, **kwargs)

    def __eq__(self, other):
        return self._value == other

    def __hash__(self):
        return hash(self._value)

    def __repr__(self):
        return repr(self._value)


class parameter_and_step:  # noqa: N801 (a decorator)
    """Let an estimator have a parameter and a method of one name.

    scikit-learn keeps a constructor parameter in an attribute of its name, where it
    would hide the method. Here the attribute gives an object that is the method when
    called, and equals the parameter's value. The class's `get_params` must return
    the value itself (`vars(self)[name]`), which `clone` insists on.
    """

    def __init__(self, step):
        self._step = step
        functools.update_wrapper(self, step)

    def __set_name__(self, owner, name):
        self._name = name

    def __set__(self, instance, value):
        vars(instance)[self._name] = value

    def __get__(self, instance, owner=None):
        if instance is None:
            return self._step
        return _BoundStep(MethodType(self._step, instance), vars(instance)[self._name])
