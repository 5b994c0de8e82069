"""A batch carried out by Dask, on other processes and machines: its tasks, their workers, and what is lost."""
