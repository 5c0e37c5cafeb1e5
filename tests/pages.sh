#!/bin/sh
# Opens a report in headless Chromium at 1280 and 390 pixels, light and dark: no horizontal scroll, no text of a figure outside it or on another
# text, links and anchors that lead somewhere, no error in the console, contrast of text at least 4.5. report.tex compiles.
# Usage: tests/pages.sh REPORT (a folder with index.html). Where Chromium is missing it says so and ends well.
set -eu
report=$1
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$chromium" ]; then
    echo "pages: not checked, Chromium is missing (Debian: apt-get install chromium)"
    exit 0
fi
[ -s "$report/index.html" ] || { echo "pages: $report/index.html is missing" >&2; exit 1; }
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

# The first script notes errors; the last one measures and replaces the page by what it found, one line each.
first='<script>window.nlgErrors=[];window.addEventListener("error",function(e){window.nlgErrors.push("console: "+(e.message||e.type));},true);
console.error=function(){window.nlgErrors.push("console: "+Array.prototype.join.call(arguments," "));};</script>'
cat >"$place/last" <<'EOF'
<script>
window.addEventListener("load", function () {
  var found = window.nlgErrors.slice(), texts = 0, figures = 0, lowest = 99;
  function note(line) { found.push(line); }
  var page = document.documentElement;
  if (page.scrollWidth > window.innerWidth) {
    var widest = "";
    document.querySelectorAll("body *").forEach(function (e) {
      if (e.closest(".scroll")) return;
      if (e.getBoundingClientRect().right > window.innerWidth + 1 && !widest) widest = e.tagName + " " + e.className + " " + e.textContent.trim().slice(0, 40);
    });
    note("scrolls sideways: " + page.scrollWidth + " pixels wide in " + window.innerWidth + ": " + widest);
  }
  function shown(e) { return e.getClientRects().length > 0; }
  document.querySelectorAll("svg").forEach(function (svg) {
    if (!shown(svg)) return;
    figures++;
    var frame = svg.getBoundingClientRect(), boxes = [], id = (svg.closest("figure") || svg).id;
    svg.querySelectorAll("text").forEach(function (t) {
      var b = t.getBoundingClientRect(), word = t.textContent.trim();
      if (!word || !b.width) return;
      texts++;
      if (b.left < frame.left - 1 || b.right > frame.right + 1 || b.top < frame.top - 2 || b.bottom > frame.bottom + 2) note(id + ": outside: " + word);
      var trim = 0.22 * b.height; /* the line's height is more than the letters' */
      var box = {l: b.left, r: b.right, t: b.top + trim, b: b.bottom - trim, word: word};
      boxes.forEach(function (o) {
        if (box.l < o.r - 1 && o.l < box.r - 1 && box.t < o.b && o.t < box.b) note(id + ": '" + word + "' on '" + o.word + "'");
      });
      boxes.push(box);
    });
  });
  document.querySelectorAll("a[href]").forEach(function (a) {
    var to = a.getAttribute("href");
    if (to[0] === "#") { if (to.length > 1 && !document.getElementById(decodeURIComponent(to.slice(1)))) note("no anchor " + to); }
    else if (!/^[a-z]+:/.test(to)) note("file " + to);
  });
  var ids = {};
  document.querySelectorAll("[id]").forEach(function (e) { if (ids[e.id]) note("id twice: " + e.id); ids[e.id] = true; });
  function channels(c) { return (c.match(/[\d.]+/g) || []).map(Number); }
  function luminance(c) {
    return c.slice(0, 3).map(function (v) { v /= 255; return v <= 0.03928 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4); })
      .reduce(function (s, v, i) { return s + v * [0.2126, 0.7152, 0.0722][i]; }, 0);
  }
  function background(e) {
    for (; e; e = e.parentElement) {
      var c = channels(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || (c.length === 4 && c[3] > 0.99)) return c;
    }
    return [255, 255, 255];
  }
  var walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), node, seen = {};
  while ((node = walk.nextNode())) {
    var e = node.parentElement;
    if (!node.textContent.trim() || !e || !shown(e) || /^(SCRIPT|STYLE|TITLE|DESC)$/i.test(e.tagName)) continue;
    var style = getComputedStyle(e), front = channels(e.closest("svg") ? style.fill : style.color), back = background(e);
    if (front.length < 3) continue;
    var a = luminance(front), b = luminance(back), ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < lowest) lowest = ratio;
    var key = front + "/" + back;
    if (ratio < 4.5 && !seen[key]) { seen[key] = true; note("contrast " + ratio.toFixed(2) + ": " + node.textContent.trim().slice(0, 40)); }
  }
  var pre = document.createElement("pre");
  pre.textContent = "width " + window.innerWidth + ", " + figures + " figures, " + texts + " texts, contrast from " + lowest.toFixed(1) + "\n" + found.join("\n") + "\nend";
  document.head.innerHTML = "";
  document.body.innerHTML = "";
  document.body.appendChild(pre);
});
</script>
EOF
awk -v first="$first" '{ print } /<head>/ { print first }' "$report/index.html" >"$place/page.html"
cat "$place/last" >>"$place/page.html"

failed=0
if command -v pdflatex >/dev/null; then
    cp -r "$report" "$place/tex"
    (cd "$place/tex" && pdflatex -interaction=nonstopmode -halt-on-error report.tex >log 2>&1) || { failed=1; grep -A 3 '^!' "$place/tex/log" | head -n 8 | sed 's/^/  report.tex: /'; }
    [ $failed -eq 1 ] || echo "pages: report.tex compiles"
else
    echo "pages: report.tex not compiled, pdflatex is missing (Debian: apt-get install texlive-latex-recommended)"
fi
for width in 1280 390; do
    # A window may not be as narrow as a phone; a frame may. file: pages need the flag to be measured inside a frame.
    printf '<!DOCTYPE html><body style="margin:0"><iframe src="page.html" style="border:0;width:%dpx;height:4000px"></iframe><script>
      window.addEventListener("load", function () { setTimeout(function () {
        document.body.textContent = document.querySelector("iframe").contentDocument.querySelector("pre").textContent; }, 500); });</script>' "$width" >"$place/frame.html"
    for scheme in light dark; do
        number=1
        [ $scheme = light ] || number=0
        "$chromium" --headless --no-sandbox --disable-gpu --hide-scrollbars --allow-file-access-from-files --virtual-time-budget=20000 \
            --blink-settings=preferredColorScheme=$number --user-data-dir="$place/profile" --window-size=1300,4000 --dump-dom "file://$place/frame.html" 2>/dev/null |
            sed -e 's/<[^>]*>//g' -e 's/&lt;/</g; s/&gt;/>/g; s/&amp;/\&/g' -e '/^ *$/d' >"$place/found"
        grep -q "^end" "$place/found" || { echo "pages: $width pixels, $scheme: Chromium gave no answer" >&2; exit 1; }
        head -n 1 "$place/found" | sed "s/^/pages: $scheme, /"
        sed -e 1d -e '/^end/d' "$place/found" >"$place/notes"
        grep '^file ' "$place/notes" | sort -u | while read -r _ file; do [ -e "$report/$file" ] || echo "no file $file"; done >"$place/faults"
        grep -v '^file ' "$place/notes" | grep -v '^$' >>"$place/faults" || true
        if [ -s "$place/faults" ]; then
            failed=1
            sed "s/^/  $width pixels, $scheme: /" "$place/faults" | head -n 40
        fi
    done
done
[ $failed -eq 0 ] || { echo "pages: faults found" >&2; exit 1; }
echo "pages: good at 1280 and 390 pixels, light and dark"
