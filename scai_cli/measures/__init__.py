"""Traits of a text: observe them in an answer, and find those that a request asks for."""
