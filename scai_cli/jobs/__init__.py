"""Resumable work on a folder: run, resume, generate, explain, chat, plan."""
