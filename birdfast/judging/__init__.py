"""Judging: scores beside truth, and what two runs or tools say beside each other."""
