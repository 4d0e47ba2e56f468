"""The landscapes of examples/fashion: what is asked of the command line, what is kept, pairs, tables; and what is in the repository."""

import json
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "examples/fashion"
sys.path.append(str(FOLDER))

from landscape_tables import NUMBERS, compared, comparison_table, comparisons, flatness_table, in_words, pairs_of, training_lines, wider_and_smoother, wider_convexity
from landscapes import GRID, PARTS, Task, compute_landscapes, open_rays, planned_tasks, read_lines, share_of, surface_line
from tables import landscape_parts, pictures_of

AREA, WIDTH = NUMBERS[0], NUMBERS[2]
FLATNESS = {"convexArea": 0.5, "eigenvalueRatio": 0.25, "widthMean": 0.2, "widthMinimum": 0.1, "sharpness": 0.05, "roughness": 0.1}
SURFACE = {
    "x": [-1, 0, 1], "y": [-1, 0, 1], "loss": [3, 2, 3, 2, 1, 2, 3, 2, None], "minimum": {"x": 0, "y": 0, "loss": 1}, "flatness": FLATNESS,
    "warnings": ["Along 5 of 64 rays the loss does not rise by 10 % within the range; they count with the range, so the width is at least what it says."], "trajectory": [],
}


def line(method="mae", setting="healthy", loss="mae", part="train", seed=0, directions=0, **flatness):
    return {
        "kind": "surface", "method": method, "setting": setting, "seed": seed, "loss": loss, "part": part, "directions": directions,
        "origin": 0.5, "minimum": [0, 0, 0.5], "open": 0, "flatness": {**FLATNESS, **flatness},
    }


class Answers:
    """Stands in for the command line: answers with one surface a target, and keeps what was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, *words):
        self.asked.append(words)
        targets = words[1 : words.index("--data")]
        if "--line" in words:
            return json.dumps({"surfaces": [{**SURFACE, "x": [-0.5, 0, 0.5, 1, 1.5], "y": [], "loss": [5, 4, 6, 3, 9]}]}).encode()
        if "--trajectory" in words:
            points = [{"file": "/home/a/step=00000000.pt", "epoch": 0, "step": 0, "x": -2.5, "y": 0.5, "loss": 4}]
            return json.dumps({"surfaces": [{**SURFACE, "trajectory": points, "warnings": ["The plane holds 95 % of how the checkpoints differ; the rest is not seen in it."]}]}).encode()
        return json.dumps({"surfaces": [SURFACE for _ in targets]}).encode()


def test_all_methods_of_a_loss_are_asked_for_at_once_with_the_same_setting_and_what_is_not_trained_is_left_out(tmp_path):
    for name in ("mae-healthy-0", "mae-memorizing-0", "rc-mae-memorizing-0", "supervised-vit-healthy-0"):
        (tmp_path / name / "checkpoints").mkdir(parents=True)
        (tmp_path / name / "done").touch()
    for step in (150, 1000):
        (tmp_path / f"mae-memorizing-0/checkpoints/step={step:08d}.pt").touch()
    answers = Answers()
    compute_landscapes(tmp_path, [0], {(part, 0): tmp_path / f"{part}.npz" for part in PARTS}, answers, tmp_path)
    asked = [[Path(word).name for word in words[1 : words.index("--data")]] for words in answers.asked]
    assert asked[:6] == [["mae-healthy-0", "mae-memorizing-0", "rc-mae-memorizing-0"]] * 6
    assert asked[6:18] == [["supervised-vit-healthy-0"]] * 6 + [["rc-mae-memorizing-0"]] * 6
    assert asked[18:] == [["mae-memorizing-0"]] * 2 + [["step=00000150.pt", "step=00001000.pt"]] * 2
    assert [words[words.index("--seed") + 1] for words in answers.asked[:6]] == ["0", "0", "1", "1", "2", "2"]
    assert all("--norm-pix" in words for words in answers.asked if "mae" in words[words.index("--loss") + 1])

    text = (tmp_path / "landscapes.jsonl").read_text()
    assert str(tmp_path) not in text and "/home" not in text
    lines = read_lines(tmp_path / "landscapes.jsonl")
    assert [each["kind"] for each in lines] == ["common"] + ["surface"] * 30 + ["trajectory"] * 2 + ["line"] * 2
    # Of three seeds of directions the first is drawn.
    assert [("points" in each) for each in lines[1:13]] == [True] * 6 + [False] * 6
    assert lines[1]["origin"] == 1 and lines[1]["open"] == 5 and lines[1]["points"][-1] is None
    assert lines[-4]["share"] == 95 and lines[-4]["checkpoints"] == [{"step": 0, "x": -2.5, "y": 0.5, "loss": 4}]
    text = training_lines(lines)
    assert "| 0 | -2.50 | 0.50 | 4 |" in text and "lowest loss in it 1:" in text
    # 6 lies between the ends 4 and 3; 9 lies beyond.
    assert "| training | 4 | 3 | 3 | 1.00 | 2.000 |" in text


def test_a_run_is_told_apart_by_method_setting_and_seed():
    found = surface_line(Task("mae", 1, "held_out", 2), "rc-mae-memorizing-1", SURFACE)
    assert [found[key] for key in ("method", "setting", "seed", "loss", "part", "directions")] == ["rc-mae", "memorizing", 1, "mae", "held_out", 2]
    assert "points" not in found and found["flatness"] == FLATNESS
    assert open_rays([]) == 0 and share_of(["something else"]) is None


def test_pairs_differ_in_nothing_but_what_is_compared():
    lines = [line(seed=seed, directions=at, setting=setting, part=part) for seed in (0, 1) for at in (0, 1, 2) for setting in ("healthy", "memorizing") for part in PARTS]
    pairs = pairs_of(lines, {"setting": "healthy"}, {"setting": "memorizing"})
    assert len(pairs) == 12
    same = ("method", "loss", "part", "seed", "directions")
    assert all([first[key] for key in same] == [second[key] for key in same] and first["setting"] != second["setting"] for first, second in pairs)
    # Without the surface of a pair there is no pair.
    assert len(pairs_of(lines[1:], {"setting": "healthy"}, {"setting": "memorizing"})) == 11


def test_pairs_are_counted_both_ways_and_ties_count_for_neither():
    pairs = [(line(convexArea=a, widthMean=2 * b), line(convexArea=b, widthMean=b)) for a, b in ((0.5, 0.25), (0.5, 0.5), (0.25, 0.5), (0.75, 0.5))]
    assert compared(pairs, AREA) == "2 / 1 (+0.12)"
    assert compared(pairs, WIDTH) == "4 / 0 (x 2)"
    assert in_words(pairs, AREA) == "convex area larger in 2, smaller in 1 of 4 pairs (+0.12)"
    # What a grid does not allow is left out.
    assert compared([*pairs[:1], (line(convexArea=None), line())], AREA) == "1 / 0 (+0.25)"
    assert compared([(line(convexArea=None), line())], AREA) == "-"


def test_of_different_losses_only_numbers_without_a_scale_are_compared():
    lines = [line(), line(method="supervised-vit", loss="cross_entropy", widthMean=0.1, roughness=0.2)]
    (comparison,) = comparisons(lines)
    assert comparison.title == "mae : supervised-vit (healthy, training images)"
    assert comparison_table(lines).splitlines()[2] == "| mae : supervised-vit (healthy, training images) | 1 | 0 / 0 (0.00) | 0 / 0 (0.00) | 1 / 0 (x 2) | 0 / 0 (x 1) | - | 0 / 1 (x 0.5) |"
    assert wider_and_smoother(lines) == (
        "MAE against the supervised transformer, training images: convex area larger in 0, smaller in 0 of 1 pairs (0.00), width larger in 1, smaller in 0 of 1 pairs (x 2), "
        "roughness larger in 0, smaller in 1 of 1 pairs (x 0.5)"
    )
    assert wider_convexity(lines) is None


def test_the_teacher_is_compared_with_the_same_loss_and_with_its_own():
    lines = [line(), line(method="rc-mae", convexArea=0.75), line(method="rc-mae", loss="rc_mae", convexArea=0.25)]
    assert [each.title for each in comparisons(lines)] == ["rc-mae : mae, both MAE loss (healthy, training images)", "rc-mae with its own loss : mae (healthy, training images)"]
    assert wider_convexity(lines) == (
        "RC-MAE against MAE, both with MAE's loss: convex area larger in 1, smaller in 0 of 1 pairs (+0.25); "
        "each with its own: convex area larger in 0, smaller in 1 of 1 pairs (-0.25)"
    )


def test_the_spread_is_that_over_directions_of_one_run():
    lines = [line(directions=at, widthMean=value) for at, value in enumerate((0.1, 0.2, 0.3))] + [{**line(seed=1), "open": 3}]
    first, second = flatness_table(lines).splitlines()[2:]
    assert first == "| mae | training | healthy | 0 | 0.5 | 0.50 ± 0.00 | 0.25 ± 0.00 | 0.200 ± 0.082 | 0.100 ± 0.000 | 0.0500 ± 0.0000 | 0.100 ± 0.000 |"
    assert "| ≥ 0.200 |" in second


def test_the_repository_holds_every_planned_landscape_and_its_pictures():
    lines = read_lines(FOLDER / "results/landscapes.jsonl")
    common, surfaces = lines[0], [each for each in lines if each["kind"] == "surface"]
    keys = [tuple(each[key] for key in ("method", "setting", "seed", "loss", "part", "directions")) for each in surfaces]
    planned = [(*name.rsplit("-", 2), task) for task in planned_tasks(common["seeds"]) for name in task.runs]
    assert sorted(keys) == sorted((method, setting, int(seed), task.loss, task.part, task.directions) for method, setting, seed, task in planned)
    assert all(value is not None for each in surfaces for value in each["flatness"].values())
    for drawn in (each for each in surfaces if "points" in each):
        assert len(drawn["points"]) == GRID**2 and drawn["origin"] == drawn["points"][GRID**2 // 2]
        assert drawn["minimum"][2] == min(value for value in drawn["points"] if value is not None)
    document = (FOLDER.parents[2] / "docs/validation.md").read_text()
    assert flatness_table(lines) in document and comparison_table(lines) in document
    pictures = [file for _, file in pictures_of(lines)]
    assert len(pictures) == 4
    assert all(f"(pictures/{file})" in document and (FOLDER.parents[2] / "docs/pictures" / file).exists() for file in pictures)


def test_where_nothing_is_trained_what_was_kept_stays(tmp_path):
    assert read_lines(tmp_path / "landscapes.jsonl") == []
    (tmp_path / "landscapes.jsonl").write_text('{"kind":"common"}\n')
    compute_landscapes(tmp_path, [0], {}, Answers(), tmp_path)
    assert read_lines(tmp_path / "landscapes.jsonl") == [{"kind": "common"}]


def test_the_section_does_without_a_training_that_was_not_followed():
    text = landscape_parts([line()])
    assert "| mae | training | healthy | 0 |" in text and "Along a training" not in text
