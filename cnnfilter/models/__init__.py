"""Whole networks from files, which are not trusted: nothing in them is executed."""

from cnnfilter.models.loading import load as load
