"""A vehicle marketplace with known tastes, of any size: `Cars`."""

from palate.data.generated.cars.cars import Cars
from palate.data.generated.cars.day import Day
from palate.data.generated.cars.describe import ATTRIBUTES, CONTACT, SAVE, SCHEMA, SEARCH, VIEW

__all__ = ["ATTRIBUTES", "CONTACT", "SAVE", "SCHEMA", "SEARCH", "VIEW", "Cars", "Day"]
