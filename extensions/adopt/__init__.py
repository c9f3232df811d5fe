"""Move an existing repository onto this template: python3 run.py adopt --help.

Three trees meet: what the old template made (empty for a plain repository), what the project is
now, and what this template makes of the same answers. Git's objects are read and written in a
clone; nothing is checked out, and the project gets the finished branch or nothing.
"""
