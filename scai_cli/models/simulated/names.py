"""Names of invented people, by the region of a country."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Final

_Names = tuple[str, str, str]
"""Women, men, families."""

_NAMES: Final[Mapping[str, _Names]] = {
    "east africa": (
        "Wanjiru Amina Akinyi Neema Zawadi Selam Hawa Nakato",
        "Kamau Juma Otieno Baraka Dawit Mugisha Salim Kato",
        "Mwangi Odhiambo Mushi Tesfaye Nyambura Ochieng Mbeki Abdi",
    ),
    "west africa": (
        "Adaeze Ama Fatou Ngozi Yaa Aissata Folake Mariama",
        "Chinedu Kwame Ousmane Emeka Kofi Ibrahima Tunde Moussa",
        "Okafor Mensah Diallo Adeyemi Boateng Traore Nwosu Sow",
    ),
    "middle east": (
        "Layla Nour Samira Yasmin Shirin Huda Dalia Zeynep",
        "Karim Omar Youssef Reza Tariq Hamza Emre Bassam",
        "Haddad Mansour Rahimi Khalil Yilmaz Nasser Aziz Farouk",
    ),
    "south asia": (
        "Priya Meera Ayesha Sunita Nadia Lakshmi Rukmini Tahira",
        "Arjun Imran Ravi Sanjay Bilal Nuwan Kiran Hari",
        "Sharma Rahman Iyer Perera Khan Gurung Das Chowdhury",
    ),
    "east asia": (
        "Yuna Mei Haruka Jiwoo Lan Sakura Minseo Xiu",
        "Kenji Wei Minjun Takumi Jun Hao Sangho Riku",
        "Tanaka Chen Park Sato Lin Kim Zhang Mori",
    ),
    "southeast asia": (
        "Siti Linh Maricel Dewi Nok Thuy Rosario Intan",
        "Budi Minh Jomar Adi Somchai Duc Rizal Hafiz",
        "Santoso Nguyen Reyes Wijaya Tran Cruz Lestari Ismail",
    ),
    "latin america": (
        "Lucia Valentina Marisol Beatriz Ximena Rosa Camila Ines",
        "Mateo Joaquim Andres Thiago Ramiro Hector Caio Emilio",
        "Quispe Oliveira Morales Rojas Barbosa Gutierrez Salas Vega",
    ),
    "western europe": (
        "Clara Margriet Elodie Giulia Ingrid Aoife Petra Nuria",
        "Jonas Pieter Luc Matteo Anders Cillian Bernd Oriol",
        "Berger Visser Moreau Conti Lindqvist Keane Wagner Serra",
    ),
    "eastern europe": (
        "Zofia Oksana Milena Ilona Darya Ioana Katarina Vesna",
        "Tomasz Andriy Bogdan Laszlo Nikola Radu Jakub Goran",
        "Kowalska Shevchenko Popescu Horvat Novak Petrov Balogh Marek",
    ),
    "english-speaking": (
        "Grace Tamsin Deborah Jasmine Ruth Keisha Fiona Moana",
        "Walter Callum Darnell Graham Elijah Stuart Marcus Tane",
        "Whitfield Okonjo-Hale Sinclair Brooks Harding Doyle Carver Ngata",
    ),
}  # fmt: skip

_COUNTRIES: Final[Mapping[str, str]] = {
    country: region
    for region, countries in {
        "east africa": "kenya,tanzania,uganda,ethiopia,rwanda,somalia,malawi,zambia,mozambique,madagascar",
        "west africa": "nigeria,ghana,senegal,mali,guinea,ivory coast,cameroon,benin,togo,sierra leone",
        "middle east": "egypt,morocco,tunisia,algeria,iran,iraq,jordan,lebanon,turkey,türkiye,syria,saudi arabia,yemen",
        "south asia": "india,pakistan,bangladesh,sri lanka,nepal,afghanistan",
        "east asia": "japan,china,south korea,korea,taiwan,mongolia",
        "southeast asia": "indonesia,vietnam,philippines,malaysia,thailand,cambodia,myanmar,singapore,laos",
        "latin america": "mexico,brazil,peru,argentina,chile,colombia,bolivia,ecuador,venezuela,uruguay,cuba,guatemala",
        "western europe": "germany,netherlands,france,italy,spain,sweden,norway,denmark,austria,belgium,switzerland,"
        "portugal,finland,greece,iceland",
        "eastern europe": "poland,ukraine,romania,hungary,czechia,serbia,croatia,bulgaria,slovakia,slovenia,russia",
        "english-speaking": "usa,united states,us,uk,united kingdom,ireland,canada,australia,new zealand,jamaica,"
        "south africa",
    }.items()
    for country in countries.split(",")
}

_WOMEN: Final = ("woman", "female", "f", "girl")
_MEN: Final = ("man", "male", "m", "boy")


def name_of(country: str, gender: str, rng: random.Random) -> str:
    """Draw a first and a family name that fit a country; from any region if the country is unknown."""
    region = _COUNTRIES.get(country.lower().strip()) or rng.choice(sorted(_NAMES))
    women, men, families = (part.split() for part in _NAMES[region])
    wanted = gender.lower().strip()
    first = women if wanted in _WOMEN else men if wanted in _MEN else women + men
    return f"{rng.choice(first)} {rng.choice(families)}"
