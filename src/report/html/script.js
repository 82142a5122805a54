(function () {
  "use strict";
  function key(cell) {
    var text = (cell ? cell.textContent : "").trim();
    var time = /^(?:(\d+) d )?(\d+):(\d\d)(?::(\d\d))?$/.exec(text);
    if (time) return (+(time[1] || 0) * 86400) + time[2] * 3600 + time[3] * 60 + +(time[4] || 0);
    var number = parseFloat(text.replace(/,/g, "").replace(/^</, ""));
    if (isNaN(number)) return text === "–" || text === "" ? null : text.toLowerCase();
    var unit = /^<?[-\d.,]+ (s|min|h)$/.exec(text);
    return number * (unit ? { s: 1, min: 60, h: 3600 }[unit[1]] : 1);
  }
  function compare(a, b) {
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
    if (typeof a === typeof b) return a < b ? -1 : a > b ? 1 : 0;
    return typeof a === "number" ? -1 : 1;
  }
  function sort(table, column, head) {
    var up = head.getAttribute("aria-sort") !== "ascending", body = table.tBodies[0];
    table.querySelectorAll("th[aria-sort]").forEach(function (other) { other.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    Array.from(body.rows).map(function (row, at) { return [key(row.cells[column]), at, row]; }).sort(function (a, b) {
      var order = compare(a[0], b[0]);
      return (a[0] === null || b[0] === null ? order : up ? order : -order) || a[1] - b[1];
    }).forEach(function (one) { body.appendChild(one[2]); });
  }
  document.querySelectorAll("table").forEach(function (table) {
    var rows = table.tBodies[0].rows;
    if (rows.length < 2) return;
    Array.from(table.tHead.rows[0].cells).forEach(function (head, column) {
      var button = document.createElement("button");
      button.type = "button";
      while (head.firstChild) button.appendChild(head.firstChild);
      button.title = (head.title ? head.title + " " : "") + "(sort)";
      head.removeAttribute("title");
      head.appendChild(button);
      button.addEventListener("click", function () { sort(table, column, head); });
    });
    if (rows.length < 9) return;
    var bar = document.createElement("p"), search = document.createElement("input"), count = document.createElement("span");
    var name = table.caption ? table.caption.textContent : "table", kinds = table.closest(".log") ? document.createElement("select") : null;
    bar.className = "filter";
    search.type = "search";
    search.placeholder = "filter rows";
    search.setAttribute("aria-label", "Filter the rows of: " + name);
    count.setAttribute("role", "status");
    bar.append(search);
    if (kinds) {
      kinds.setAttribute("aria-label", "Kind of entry");
      var known = ["all kinds"];
      Array.from(rows).forEach(function (row) {
        if (known.indexOf(row.cells[1].textContent) < 0) known.push(row.cells[1].textContent);
      });
      known.forEach(function (kind, at) { kinds.append(new Option(kind, at ? kind : "")); });
      bar.append(" ", kinds);
      kinds.addEventListener("change", filter);
    }
    bar.append(" ", count);
    search.addEventListener("input", filter);
    table.parentNode.before(bar);
    function filter() {
      var words = search.value.toLowerCase().split(/\s+/), shown = 0;
      Array.from(rows).forEach(function (row) {
        var text = row.textContent.toLowerCase();
        var fits = words.every(function (word) { return text.indexOf(word) >= 0; });
        row.hidden = !fits || !!(kinds && kinds.value && row.cells[1].textContent !== kinds.value);
        if (!row.hidden) shown += 1;
      });
      count.textContent = shown === rows.length ? "" : shown + " of " + rows.length + " rows";
    }
  });
  // What is wider than the page is scrolled by keyboard too.
  function reachable() {
    document.querySelectorAll(".scroll").forEach(function (box) {
      var caption = box.querySelector("caption");
      if (box.scrollWidth <= box.clientWidth && box.scrollHeight <= box.clientHeight) {
        ["tabindex", "role", "aria-label"].forEach(function (name) { box.removeAttribute(name); });
        return;
      }
      box.tabIndex = 0;
      box.setAttribute("role", "region");
      box.setAttribute("aria-label", caption ? caption.textContent : "table");
    });
  }
  addEventListener("resize", reachable);
  document.addEventListener("toggle", reachable, true);
  reachable();
  addEventListener("beforeprint", function () {
    document.querySelectorAll("details.policy").forEach(function (one) { one.open = true; });
  });
  function reveal() {
    var at = location.hash && document.getElementById(location.hash.slice(1));
    for (var one = at; one; one = one.parentElement) if (one.tagName === "DETAILS") one.open = true;
    if (at) at.scrollIntoView();
  }
  addEventListener("hashchange", reveal);
  reveal();
})();
