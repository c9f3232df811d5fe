"""The updater: brings a release of the template into a repository that was rendered from it."""
