"""Knows where truth is read: OTYS, an export folder, memory and Mailchimp."""
