"""Runs passes for as long as it is left alone: on time, when asked, and until it is told to stop.

clock.py turns a schedule into moments. runner.py knows for one client what waits and what runs, and
work.py does a pass of it. slots.py decides whose turn it is. service.py holds them together, reload.py
follows the configuration, and loop.py is what the process does between two signals (signals.py).
"""
