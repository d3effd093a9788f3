"""A database that costs little to empty; see tests.effects.emptied."""

from tests.effects.emptied import transactional_db as transactional_db
