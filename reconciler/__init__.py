"""Keeps Mailchimp audiences in step with the mailing lists of OTYS Go!."""

__version__ = "0.1.0"
