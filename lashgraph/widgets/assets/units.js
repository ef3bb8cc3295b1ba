// Numbers of bytes, written and read.

/** Bytes, as the package writes them everywhere. */
function bytes_text(count) {
  for (const [size, unit] of [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]]) {
    if (count >= size) return `${(count / size).toFixed(1)} ${unit}`;
  }
  return `${count} bytes`;
}

/** Bytes of a text such as 900, 10 kB or 1.5 MB; null if it is empty, undefined if it is none. */
function bytes_of(text) {
  if (!text.trim()) return null;
  const found = /^([\d,]+(?:\.\d+)?)\s*(?:([kmgt]?)b|bytes?)?$/i.exec(text.trim());
  if (!found) return undefined;
  const unit = { k: 1e3, m: 1e6, g: 1e9, t: 1e12 }[found[2]?.toLowerCase()] ?? 1;
  return Math.round(Number(found[1].replaceAll(",", "")) * unit);
}

/** What to say of a text that is no number of bytes. */
function no_bytes(text) {
  return `${text.slice(0, 20)} is no number of bytes, such as 900, 10 kB or 1.5 MB`;
}
