// Charts are drawn when they come near the window, all of them before printing. Tables sort, search and filter.
const drawn = new Map();
const spec = (id) => JSON.parse(document.getElementById(`${id}-spec`).textContent);

function draw(node) {
  if (!drawn.has(node.id)) {
    const options = { renderer: "svg", actions: false, bind: `#${CSS.escape(node.id)}-controls` };
    drawn.set(node.id, vegaEmbed(node, spec(node.id), options).then((result) => {
      // the element around it is the picture and has a name; hundreds of marks are not read aloud
      node.querySelector("svg").setAttribute("aria-hidden", "true");
      return result;
    }));
  }
  return drawn.get(node.id);
}

const charts = [...document.querySelectorAll(".chart")];
const near = new IntersectionObserver(
  (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => { near.unobserve(entry.target); draw(entry.target); }),
  { rootMargin: "600px" },
);
charts.forEach((chart) => near.observe(chart));
window.drawAll = () => Promise.all(charts.map(draw));
window.addEventListener("beforeprint", window.drawAll);

function save(name, text, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

const quoted = (value) => {
  const text = value === null || value === undefined ? "NA" : String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

function numbers(id) {
  // every data set of the chart, one under the other
  return Object.values(spec(id).datasets ?? {}).map((rows) => {
    const heads = [...new Set(rows.flatMap((row) => Object.keys(row)))];
    return [heads, ...rows.map((row) => heads.map((head) => row[head]))].map((row) => row.map(quoted).join(",")).join("\n");
  }).join("\n\n") + "\n";
}

document.querySelectorAll("[data-save]").forEach((button) => button.addEventListener("click", async () => {
  const id = button.dataset.chart;
  if (button.dataset.save === "csv") return save(`${id}.csv`, numbers(id), "text/csv");
  const { view } = await draw(document.getElementById(id));
  return save(`${id}.svg`, await view.toSVG(), "image/svg+xml");
}));

const order = new Intl.Collator("en", { numeric: true });
document.querySelectorAll(".table").forEach((block) => {
  const body = block.querySelector("tbody");
  const rows = [...body.rows];
  const words = rows.map((row) => row.textContent.toLowerCase());
  const search = block.querySelector("input[type=search]");
  const selects = [...block.querySelectorAll("select")];
  const shown = block.querySelector(".shown");
  const filter = () => {
    const wanted = search.value.trim().toLowerCase();
    let count = 0;
    rows.forEach((row, at) => {
      const fits = words[at].includes(wanted)
        && selects.every((select) => !select.value || row.cells[select.dataset.column].textContent === select.value);
      row.hidden = !fits;
      count += fits;
    });
    shown.textContent = `${count} of ${rows.length} rows`;
  };
  search.addEventListener("input", filter);
  selects.forEach((select) => select.addEventListener("change", filter));
  filter();
  block.querySelectorAll("th button").forEach((button, column) => button.addEventListener("click", () => {
    const head = button.parentElement;
    const falling = head.getAttribute("aria-sort") === "ascending";
    block.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", falling ? "descending" : "ascending");
    const value = (row) => row.cells[column].dataset.value;
    const text = (row) => row.cells[column].textContent;
    const compare = (a, b) => value(a) !== undefined && value(b) !== undefined ? value(a) - value(b) : order.compare(text(a), text(b));
    // a missing value stands last whichever way the column is sorted
    const missing = (row) => text(row) === "NA" || text(row) === "";
    rows.toSorted((a, b) => missing(a) - missing(b) || (falling ? compare(b, a) : compare(a, b))).forEach((row) => body.append(row));
  }));
});

document.getElementById("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
});
window.pageReady = true;
