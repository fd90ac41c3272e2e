"""How the columns of a table become numbers to learn from."""


def table_steps(seed):
    """Return the steps of a Pipeline, by name.

    "table" encodes texts, categories and dates as numbers, "impute" fills what is missing with
    the median and adds a column that says so, "scale" standardizes.
    """
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import StandardScaler
    from skrub import DatetimeEncoder, StringEncoder, TableVectorizer

    table = TableVectorizer(
        high_cardinality=StringEncoder(random_state=seed),
        datetime=DatetimeEncoder(periodic_encoding="circular", add_weekday=True),
        drop_if_constant=True,
    )
    return [
        ("table", table),
        ("impute", SimpleImputer(strategy="median", add_indicator=True)),
        ("scale", StandardScaler()),
    ]
