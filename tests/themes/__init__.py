"""The pages in the admin of others: themes bring templates, styles and scripts of their own in place of Django's."""
