"""Build the compiled core: one list of C sources, one list of flags."""

from setuptools import setup

setup()
