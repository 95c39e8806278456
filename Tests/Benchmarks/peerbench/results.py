"""The figures of all benchmarks, `{"name": value}`: each adds its own to what others wrote."""
import json
import os

PATH = ".build/bench/results.json"


def add(figures, path=PATH):
    """Merges figures into the file and returns all."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    everything = load(path)
    everything.update({name: float(value) for name, value in figures.items()})
    temporary = f"{path}.{os.getpid()}"
    with open(temporary, "w") as file:
        json.dump(everything, file, indent=2, sort_keys=True)
        file.write("\n")
    os.replace(temporary, path)
    return everything


def load(path=PATH):
    """What is there; nothing when there is no file."""
    if not os.path.exists(path):
        return {}
    with open(path) as file:
        return json.load(file)


def quantile(values, share):
    """The value at `share` of the ascending order, as the other benchmarks take it: index n × share, rounded down."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def table(header, rows):
    """Prints aligned columns; None shows as a dash."""
    def text(cell):
        if cell is None:
            return "–"
        return cell if isinstance(cell, str) else f"{cell:.3f}" if abs(cell) < 10 else f"{cell:,.1f}"

    cells = [[text(cell) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    for row in cells:
        print("  ".join(cell.ljust(width) if column == 0 else cell.rjust(width)
                        for column, (cell, width) in enumerate(zip(row, widths))))
