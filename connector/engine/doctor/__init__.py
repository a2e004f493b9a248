"""The examination of an installation: checks that look, change nothing, and say what they found as data.

`doctor` shows all of it, `check-config --online` what far sides say. Words live in `words_parts/doctor.py`.
"""
