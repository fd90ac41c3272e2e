"""What the docstrings of both estimators share."""

PARAMETERS = """
    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default=(300, 100)
        Number of ReLU units of each hidden layer.
    prune_rate : float or int, default=0.2
        Share of the surviving weights (or units) that each round prunes, in
        [0, 1); or, as an integer, their number in each layer. The output layer is
        pruned at half the rate unless the strategy says otherwise.
    rounds : int, default=7
        How many times to prune, rewind and train; 0 trains the full network only.
    strategy : str, strategy or callable, default="magnitude"
        How surviving weights are scored, the lowest of which go.

        - After training: "magnitude", "initial_magnitude", "magnitude_increase",
          "large_init_large_final", "movement" or "random".
        - At initialization: "snip", "grasp" or "synflow".
        - Whole hidden units: "unit_input", "unit_output" or "unit_product".
        - An instance such as `Magnitude(scope="global")`, whose parameters a grid
          search reaches as `strategy__scope`.
        - A callable that takes a `Ticket` and returns an array of scores for each
          prunable weight (see `ScoreFunction`).
    schedule : {"iterative", "one-shot", "evolving"} or Evolving, default="iterative"
        How the search gets to the last round's number of weights. Round 0 is the full
        network, to compare with, whatever the schedule.

        - "iterative": prune round by round.
        - "one-shot": prune once, to the very counts that so many rounds would reach.
        - "evolving": round 1 is sparse from birth, with as many weights at random places,
          and exchanges some of them for others as it trains. An `Evolving` has parameters,
          which a grid search reaches as `schedule__rate`.
    rewind_to : str or int, default="init"
        What the survivors are set to before each next training.

        - "init": their initial weights.
        - An integer k: their weights after k optimizer steps of round 0.
        - "none": nothing, to go on from the trained weights.
        - "signs": the signs of their initial weights at one magnitude a layer.
        - A control: "reinit", fresh random weights; "rearrange", the survivors moved to
          random places in their layer; "random_signs", random signs at that one
          magnitude.
    select : {"last", "best", "winning"}, default="last"
        Which round's network predicts: the last; the one with the best validation
        score; or the sparsest round that is a winning ticket (one that learns
        faster than the full network and ends as accurate: `is_winning` in
        `round_results_`), else round 0.
    round_budget : float, default=1.0
        The share of a full training's cost that a round of the search may have, in (0, 1].
        The full network and the round that predicts train in full; of any other round's
        optimizer steps the share min(1, round_budget / density) is done, at least up to
        one evaluation, which finds its survivors. With `select` "winning" or "best", rounds
        that may predict then train in full until one serves. 1.0: every round in full, as
        in the paper.
    ticket : Ticket or None, default=None
        What to start from, instead of a fresh full network: round 0 trains its initial
        weights under its masks, and later rounds, if any, prune it further and are compared
        with it. `hidden_layer_sizes` does not count then; the numbers of inputs and
        outputs must be those of the data. With `net`, a ticket of that net's module.
    optimizer : {"adam", "sgd"} or callable, default="adam"
        Adam, plain stochastic gradient descent, or a torch optimizer's class (or
        `functools.partial` of it, with momentum or weight decay). Its state starts
        afresh each round.
    learning_rate : float, default=3e-3
        Step size.
    alpha : float, default=3.0
        Strength of the L2 penalty on weights and biases, which is divided by the number of
        training rows, as in `MLPClassifier`. It comes with the optimizers that have a
        name; a callable brings its own weight decay.
    batch_size : int or "auto", default="auto"
        Rows of a mini-batch. "auto": a tenth of the training rows, but at least 16 and at most
        200; of more than 25,600 rows a 128th, at most 512.
    max_epochs : int, default=30
        Passes over the training rows in each round.
    n_iter_no_change : int or None, default=5
        End a training when so many evaluations in succession brought no lower validation
        loss. The round's weights are then those of the evaluation where the loss was
        lowest, whether or not training went on to the end. None: all epochs, and
        the last weights. With `rewind_to=k`, the first training takes k steps at least.
    init : str or callable, default="glorot_normal"
        Distribution of the initial weights: "glorot_normal", "glorot_uniform",
        "he_normal", "he_uniform", "normal" (standard deviation 0.1),
        "truncated_normal" (the same, cut off at two standard deviations), an instance
        such as `Normal(std=0.05)`, or a callable that takes a shape and a
        RandomState. Biases start at 0.
    validation_fraction : float, default=0.1
        Share of the rows held out, in [0, 1), to tell when training has converged
        (for a classifier, in proportion to its classes where possible; of thousands of each
        class, by chance). With 0, or
        where too few rows remain, the training rows serve for that too.
    evaluate_every : int or None, default=None
        Optimizer steps between evaluations on the held-out rows, the grid on
        which iterations to converge and to match are measured; None for once an
        epoch, or every 100 steps of longer epochs, twice an epoch at most (not with
        `net`). skorch's callbacks and histories count evaluations as epochs.
    net : skorch.NeuralNet or None, default=None
        Prototype of the net to train, with any module that has Linear or Conv
        layers, reached as `net__lr`, `net__module__...`. Then the net's own module
        (and its initialization), optimizer, `lr`, `batch_size`, `max_epochs` and
        `device` count, not the parameters of these or like names here. Batches
        are shuffled, and cut from one tensor, unless it has an `iterator_train` of
        its own.
    layout : {"auto", "dense", "sparse"}, default="auto"
        How weights are stored in training. "dense": whole, with masks, through torch.
        "sparse": surviving weights alone, by a compiled step whose time and memory
        shrink with the density; on the CPU, for fully connected networks (the default
        one, or a `torch.nn.Sequential` of Linear layers and one kind of ReLU, Tanh or
        Sigmoid), cross-entropy or squared error, and plain SGD or Adam; anything
        else trains dense. "auto": sparse where that is the faster, by a rule that knows
        the density, the size of the network and how long it is trained, but not the machine.
        The two agree up to float32 rounding.
    device : str, default="cpu"
        The torch device to train on.
    warm_start : bool, default=False
        Whether `fit` goes on from the rounds that the previous `fit` left. The result
        is that of a fit from the start, to the bit: with other data, or another
        parameter than `rounds` or `select` changed (or `rounds` under
        schedule="one-shot"), it starts anew. Without an integer `random_state`, the
        seed first drawn stays.
    memory : str, joblib.Memory or None, default=None
        Where to remember each training, so that fits that share networks
        (candidates of a grid search, runs killed half-way) train them once, across
        processes. A round takes up to about 9 bytes a weight of the full network,
        and 400 an evaluation, on disk; bound it by
        `joblib.Memory(location).reduce_size(bytes_limit=...)`. The folder holds pickles:
        trust it as you trust the code that you run.
    random_state : int, RandomState instance or None, default=None
        Determines initial weights, validation split, order of batches, and what
        strategies and controls draw, each by a stream of its own: the same bits on one
        kind of processor with one set of library versions. torch's and NumPy's global
        generators stay as they were.
    verbose : int, default=0
        1 prints a line a round.
"""

ATTRIBUTES = """
    Attributes
    ----------
    ticket_ : Ticket
        The ticket that predicts: initial weights, masks, trained weights.
    tickets_ : list of Ticket
        Each round's trained ticket.
    round_results_ : dict of str to ndarray
        A row a round, ready for `pandas.DataFrame`, with the columns

        - `round`, `density`, `n_weights`;
        - `iterations_to_converge`: to the lowest validation loss;
        - `iterations_to_match`: to the full network's `converged_score`, within 0.001;
          NaN if never;
        - `early_loss`: mean validation loss up to the full network's convergence;
        - `valid_score`, `valid_loss`: of the trained network;
        - `converged_score`, `converged_loss`: as they were at convergence;
        - `early_loss_error`, `converged_score_error`: standard errors of the differences
          of both from the full network's, by the validation rows; the first is NaN where a
          net's loss cannot be told row by row;
        - `is_winning`: its `early_loss` is lower than the full network's, and its
          `converged_score` not lower, by more than chance explains (one-sided t tests at
          5%);
        - `n_steps`: optimizer steps done; `fit_time`: seconds.
    histories_ : list of skorch.history.History
        Each round's history, a row an evaluation.
    selected_round_ : int
        The round of `ticket_`.
    is_winning_ : bool
        Whether that round is a winning ticket.
    density_ : float
        Surviving weights of `ticket_` divided by all prunable weights.
    net_ : skorch.NeuralNet
        The net that predicts, holding the weights of `ticket_`.
    n_iter_ : int
        Optimizer steps that the selected round's training ran.
    n_features_in_ : int
        Number of input features.
    feature_names_in_ : ndarray of str, shape (`n_features_in_`,)
        Names of the input features, where `X` has names.
    feature_importances_ : ndarray of float, shape (`n_features_in_`,)
        Each feature's share of the surviving absolute weights of the first layer.
"""

REFERENCES = """
    References
    ----------
    .. [1] J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis: Training
       Pruned Neural Networks", arXiv:1803.03635v1, 2018.
"""

DATA = """
X : {array-like, sparse matrix} of shape (n_samples, n_features)
    Inputs.
y : array-like of shape (n_samples,) or (n_samples, n_outputs)
    Targets.
sample_weight : array-like of shape (n_samples,), default=None
    As in `fit`.
"""
