"""Faces through the frames of videos, and video files."""
