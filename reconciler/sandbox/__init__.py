"""OTYS and Mailchimp as real HTTP servers on loopback, with data, time and faults that can be set."""
