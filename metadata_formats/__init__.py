"""Metadata formats: the canonical record of an item, and its crosswalks into the XML that portals ask for.

A library by itself: it knows no web, no database and no configuration file.
"""
