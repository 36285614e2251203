"""Traits of a text: what a program observes in it, and what a request asks for."""
