"""What is trained, and what is remembered of it; on digits and at the smallest of the presets."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.neural_network import MLPClassifier
from small import share_of

from skticket import Prune, Rewind
from skticket.experiments import PRESETS, Condition, Laboratory, Network, load_images
from skticket.experiments.mnist import EXPERIMENTS
from skticket.experiments.study import each_round, tickets_at

SMOKE = PRESETS["smoke"]


def network(condition, number, trial=0):
    return Network.make(trial, number, condition.recipe, condition.control)


def outputs(ticket, X):
    """What a ticket's network computes, written out."""
    arrays = list(ticket.weights.values())
    for weight, bias in zip(arrays[:-2:2], arrays[1:-2:2]):
        X = np.maximum(X @ weight.T + bias, 0)
    return X @ arrays[-2].T + arrays[-1]


def test_full_network_is_the_same_for_all():
    once, again = EXPERIMENTS["iterative"].conditions(SMOKE)
    assert network(once, 0) == network(again, 0)
    for condition in EXPERIMENTS["pruning-rate"].conditions(SMOKE):
        assert network(condition, 0) == network(once, 0)
    reset, go_on, step = EXPERIMENTS["resetting"].conditions(SMOKE)
    assert network(reset, 0) == network(go_on, 0) != network(step, 0)


def test_networks_come_after_those_they_are_pruned_from(laboratory):
    for experiment in EXPERIMENTS.values():
        networks = laboratory.networks(experiment.conditions(SMOKE))
        assert len(set(networks)) == len(networks)
        for position, one in enumerate(networks):
            assert one.parent is None or one.parent in networks[:position]


def test_iterative_search_written_out(laboratory):
    """The loop of the paper, by hand, gives the same tickets to the bit."""
    condition = EXPERIMENTS["iterative"].conditions(SMOKE)[0]
    tickets = laboratory.tickets([condition])
    measured = laboratory.measure([condition])
    for trial in range(SMOKE.trials):
        search = laboratory.search(network(condition, 1, trial))
        ticket = search.first_ticket()
        first = ticket
        for number in range(SMOKE.rounds + 1):
            if number:
                ticket = Rewind().transform(Prune(0.2).transform(ticket))
                for name, mask in ticket.mask.items():
                    expected = np.where(mask, first.initial[name], 0)
                    np.testing.assert_array_equal(ticket.weights[name], expected)
            trained = search.train(ticket, laboratory.images.data, number)
            ticket = trained.ticket
            assert ticket == tickets[network(condition, number, trial)]
            found = measured[network(condition, number, trial)]
            assert found.density == ticket.density
            np.testing.assert_array_equal(found.test_score, trained.test_score)


def test_scores_are_of_the_test_images(laboratory):
    condition = EXPERIMENTS["iterative"].conditions(SMOKE)[0]
    measured, tickets = laboratory.measure([condition]), laboratory.tickets([condition])
    data = laboratory.images.data
    for one, found in measured.items():
        scores = [
            np.mean(outputs(tickets[one], X).argmax(axis=1) == y)
            for X, y in ((data.X_test, data.y_test), (data.X_valid, data.y_valid))
        ]
        # By rounding, one image may be on the other side.
        assert scores[0] == pytest.approx(found.test_score[-1], **share_of(data.X_test))
        assert scores[1] == pytest.approx(found.valid_score[-1], **share_of(data.X_valid))


@pytest.mark.slow
def test_table_takes_accuracy_where_validation_loss_is_lowest():
    laboratory = Laboratory.open("smoke", "digits", trials=2, rounds=2, iterations=400)
    conditions = EXPERIMENTS["iterative"].conditions(laboratory.protocol)
    table = laboratory.table(conditions)
    measured = laboratory.measure(conditions)
    # Otherwise the end would do as well.
    assert (table["iterations_to_converge"] < 400).any()
    assert (table["test_score"] != table["final_test_score"]).any()
    for row in table.itertuples():
        condition = next(c for c in conditions if c.name == row.condition)
        found = measured[network(condition, row.round, row.trial)]
        best = int(np.argmin(found.valid_loss))
        assert row.iterations_to_converge == found.iterations[best]
        assert row.test_score == found.test_score[best]
        assert row.final_test_score == found.test_score[-1]
        assert row.percent == 100 * found.density
    assert found.iterations.tolist() == list(range(20, 401, 20))


def test_test_images_choose_nothing(laboratory):
    """Other test images change the test score, and nothing else."""
    data = laboratory.images.data
    images = replace(
        laboratory.images, data=replace(data, X_test=data.X_test[:50], y_test=9 - data.y_test[:50])
    )
    condition = [Condition("few", SMOKE.recipe, (0, 2))]
    ones, others = (
        laboratory.measure(condition),
        replace(laboratory, images=images).measure(condition),
    )
    for one, found in ones.items():
        np.testing.assert_array_equal(found.valid_loss, others[one].valid_loss)
        assert found.density == others[one].density
        assert not np.array_equal(found.test_score, others[one].test_score)


@pytest.mark.parametrize("position", [0, 1])
def test_controls(laboratory, position):
    """Both keep what they should of the ticket, and change the rest."""
    condition = EXPERIMENTS["iterative"].conditions(SMOKE)[position]
    number = 2
    tickets = laboratory.tickets([replace(condition, rounds=(number,))])
    controls = condition.controls(replace(SMOKE, controls=2))
    for control in (replace(control, rounds=(number,)) for control in controls):
        others = laboratory.tickets([control])
        assert len({str(t.initial) for t in others.values()}) == len(others)
        for other, found in others.items():
            ticket = tickets[network(condition, number, other.trial)]
            for name, mask in ticket.mask.items():
                assert found.mask[name].sum() == mask.sum()
                values = [np.sort(t.initial[name][t.mask[name]]) for t in (ticket, found)]
                if control.name == "reinit":
                    np.testing.assert_array_equal(found.mask[name], mask)
                    assert not np.isin(values[0], values[1]).any()
                else:
                    assert not np.array_equal(found.mask[name], mask)
                    np.testing.assert_array_equal(*values)


def test_one_shot_reaches_the_size_of_as_many_rounds(laboratory):
    for number in range(1, SMOKE.rounds + 1):
        iterative, once = (
            next(iter(laboratory.tickets([replace(condition, rounds=(number,))]).values()))
            for condition in EXPERIMENTS["iterative"].conditions(SMOKE)
        )
        for name, mask in iterative.mask.items():
            assert once.mask[name].sum() == pytest.approx(mask.sum(), abs=1)
        if number > 1:
            assert any((once.mask[name] != mask).any() for name, mask in iterative.mask.items())


def test_going_on_starts_from_trained_weights(laboratory):
    """After a few steps it is ahead of what starts anew."""
    table_of = {c.name: laboratory.measure([c]) for c in EXPERIMENTS["resetting"].conditions(SMOKE)}
    for trial in range(SMOKE.trials):
        first = {
            name: next(
                f.valid_loss[0] for n, f in found.items() if (n.round, n.trial) == (1, trial)
            )
            for name, found in table_of.items()
        }
        assert first["go on"] < first["reset"]
        assert first["rewind to step 10"] < first["reset"]


def test_accuracy_is_that_of_another_implementation():
    """At one size and many steps, a full network is about as good as scikit-learn's."""
    laboratory = Laboratory.open("smoke", "digits", trials=1, iterations=1000)
    data = laboratory.images.data
    found = next(iter(laboratory.measure([Condition("full", SMOKE.recipe, (0,))]).values()))
    other = MLPClassifier(
        (30, 10), learning_rate_init=5e-3, batch_size=60, max_iter=45, random_state=0
    )
    with pytest.warns(UserWarning):
        other.fit(data.X, data.y)
    assert abs(found.test_score[-1] - other.score(data.X_test, data.y_test)) < 0.04


def test_nothing_is_trained_twice(tmp_path, remembered):
    laboratory = Laboratory.open("smoke", "digits", trials=1, rounds=2, memory=tmp_path)
    experiments = [EXPERIMENTS[name] for name in ("iterative-controls", "initializations")]
    tables = [experiment.run(laboratory).table for experiment in experiments]
    wanted = {
        one
        for experiment in experiments
        for one in laboratory.networks(experiment.conditions(laboratory.protocol))
    }
    written = remembered(tmp_path)
    assert len(written) == len(wanted)
    again = [experiment.run(laboratory).table for experiment in experiments]
    assert remembered(tmp_path) == written
    for first, second in zip(tables, again, strict=True):
        pd.testing.assert_frame_equal(first, second, check_exact=True)


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty"])
def test_damaged_network_is_trained_again(tmp_path, remembered, damage):
    laboratory = Laboratory.open("smoke", "digits", trials=1, rounds=2, memory=tmp_path)
    table = EXPERIMENTS["iterative"].run(laboratory).table
    for path in remembered(tmp_path):
        content = bytearray(path.read_bytes())
        if damage == "flipped":
            content[len(content) // 2] ^= 0xFF
        path.write_bytes(content[: {"truncated": -50, "flipped": None, "empty": 0}[damage]])
    again = EXPERIMENTS["iterative"].run(laboratory).table
    pd.testing.assert_frame_equal(table, again, check_exact=True)


def test_progress_tells_of_each_network(tmp_path):
    done = []
    laboratory = Laboratory.open(
        "smoke", "digits", trials=1, rounds=2, memory=tmp_path, progress=done.append
    )
    EXPERIMENTS["iterative"].run(laboratory)
    expected = laboratory.networks(EXPERIMENTS["iterative"].conditions(laboratory.protocol))
    assert sorted(map(repr, done)) == sorted(map(repr, expected))


def test_global_state_is_left_alone(laboratory, global_state):
    replace(laboratory, seed=5).measure([Condition("full", SMOKE.recipe, (0, 1))])


def test_seed_changes_everything(laboratory):
    condition = [Condition("full", SMOKE.recipe, (0,))]
    first, second = (replace(laboratory, seed=seed).measure(condition) for seed in (0, 1))
    losses = [tuple(f.valid_loss) for found in (first, second) for f in found.values()]
    assert len(set(losses)) == len(losses)


def test_a_budget_shortens_what_only_leads_on(tmp_path):
    protocol = replace(SMOKE, recipe=replace(SMOKE.recipe, round_budget=0.5), trials=1)
    condition = Condition.iterative(protocol)
    assert condition.rounds == (0, 2)
    laboratory = replace(Laboratory.open("smoke", "digits"), protocol=protocol)
    networks = {n: n.is_whole for n in laboratory.networks([condition])}
    assert sorted((n.round, whole) for n, whole in networks.items()) == [
        (0, True),
        (1, False),
        (2, True),
    ]
    measured = laboratory.measure([condition])
    assert [found.iterations[-1] for found in measured.values()] == [protocol.iterations] * 2
    # The masks come of the shortened training.
    full = laboratory.search(network(condition, 0))
    images = laboratory.images.data
    ticket = full.train(full.first_ticket(), images, 0).ticket
    ticket = full.next_ticket(ticket, images, 1)
    shortened = full.train(ticket, images, 1, share=0.5 / ticket.density)
    assert shortened.iterations[-1] == round(protocol.iterations * 0.5 / ticket.density)
    expected = full.next_ticket(shortened.ticket, images, 2)
    (found,) = laboratory.tickets([replace(condition, rounds=(2,))]).values()
    assert found.initial is not None
    for name, mask in expected.mask.items():
        np.testing.assert_array_equal(found.mask[name], mask)


@pytest.mark.parametrize("name", ["iterative-controls", "pruning-rate", "architecture"])
def test_experiments_at_a_budget(name):
    protocol = replace(SMOKE, recipe=replace(SMOKE.recipe, round_budget=0.5))
    laboratory = replace(Laboratory.open("smoke", "digits"), protocol=protocol)
    result = EXPERIMENTS[name].run(laboratory)
    assert len(result.table) and all(claim.verdict for claim in result.claims)


def _full_network(laboratory, trial):
    search = laboratory.search_of(trial)
    trained = search.train(search.first_ticket(), laboratory.images.data, 0)
    return pd.DataFrame({"test_score": trained.test_score[-1:]})


def test_trials_of_a_measurement(tmp_path, remembered):
    """They share their trainings with the conditions of experiments."""
    done = []
    laboratory = Laboratory.open("smoke", "digits", memory=tmp_path, progress=done.append)
    table = laboratory.each_trial(_full_network)
    assert table.columns.tolist() == ["trial", "test_score"]
    assert table["trial"].tolist() == [0, 1] and table["test_score"].nunique() == 2
    assert done == [(_full_network, 0), (_full_network, 1)]
    written = remembered(tmp_path)
    found = laboratory.measure([Condition("full", SMOKE.recipe, (0,))])
    assert remembered(tmp_path) == written
    assert [one.test_score[-1] for one in found.values()] == table["test_score"].tolist()


def test_search_of_a_trial_takes_other_parameters(laboratory):
    search = laboratory.search_of(1, strategy="random", rewind_to=10)
    assert (search.strategy, search.rewind_to, search.rounds) == ("random", 10, SMOKE.rounds)
    assert search.seed == laboratory.search_of(1).seed != laboratory.search_of(0).seed


def test_tickets_at_a_budget_are_those_of_the_conditions(laboratory):
    short = replace(
        laboratory, protocol=replace(SMOKE, recipe=replace(SMOKE.recipe, round_budget=0.5))
    )
    data = laboratory.images.data
    found = dict(tickets_at(short.search_of(0), data, (0, 2)))
    condition = Condition("iterative", short.protocol.recipe, (2,))
    expected = short.tickets([condition])[network(condition, 2)]
    assert list(found) == [0, 2]
    for name, mask in expected.mask.items():
        np.testing.assert_array_equal(found[2].mask[name], mask)
    assert found[0].density == 1


def test_each_round_is_that_of_the_conditions(laboratory):
    search = laboratory.search_of(0, rounds=2)
    rounds = list(each_round(search, laboratory.images.data))
    condition = Condition("iterative", SMOKE.recipe, (0, 1, 2))
    measured = laboratory.measure([condition])
    for number, trained in enumerate(rounds):
        found = measured[network(condition, number)]
        np.testing.assert_array_equal(trained.test_score, found.test_score)


def test_images_of_mnist1d():
    data = load_images("mnist1d").data
    assert data.X.shape == (3667, 40)
    assert data.X_valid.shape == (333, 40)
    assert data.X_test.shape == (1000, 40)
