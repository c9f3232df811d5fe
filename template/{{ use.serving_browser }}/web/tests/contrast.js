/**
 * Run in the page: every piece of visible text and every control whose contrast is too low, by the
 * formula of WCAG 2.2 (relative luminance; 4.5:1 for text, 3:1 for large text and for controls).
 */
() => {
  /** @param {string} colour */
  const parts = (colour) => {
    const [r, g, b, a = 1] = (colour.match(/[\d.]+/g) ?? []).map(Number);
    return { rgb: [r, g, b], a };
  };
  /** @param {number[]} rgb */
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((c) =>
      c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  /**
   * @param {number[]} first
   * @param {number[]} second
   */
  const ratio = (first, second) => {
    const [low, high] = [luminance(first), luminance(second)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  /** @param {Element | null} element */
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const { rgb, a } = parts(getComputedStyle(at).backgroundColor);
      if (a === 1) return rgb;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (
    document.body.querySelectorAll("*")
  )) {
    if (!element.checkVisibility() || element.closest("noscript")) continue;
    const style = getComputedStyle(element);
    const has = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent?.trim());
    const isEntry = element.matches("input:not([type=radio]), select, button");
    if (has || isEntry) {
      const large = parseFloat(style.fontSize) >= 24;
      const text = ratio(parts(style.color).rgb, ground(element));
      found.push({ what: element.outerHTML.slice(0, 80), ratio: text, least: large ? 3 : 4.5 });
    }
    if (isEntry) {
      const edge = ratio(parts(style.borderTopColor).rgb, ground(element.parentElement));
      found.push({ what: `border of ${element.outerHTML.slice(0, 80)}`, ratio: edge, least: 3 });
    }
  }
  return found;
};
