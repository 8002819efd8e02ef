"""Values that a label, a help text or a query may have if its writer means ill. Each would set ``globalThis.pwned``."""

from __future__ import annotations

SET = "globalThis.pwned=1"

MARKUP = (
    f"<script>{SET}</script>",
    f"<img src=x onerror={SET}>",
    f"<svg onload={SET}></svg>",
    f"<svg><script>{SET}</script></svg>",
    f'<a href="javascript:{SET}">a</a>',
    f'<a href="JaVaScRiPt&#58;{SET}">a</a>',
    f'<a href=" &#1; javascript:{SET}">a</a>',
    "<iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
    f'<iframe src="javascript:parent.{SET}"></iframe>',
    f"<details open ontoggle={SET}>a</details>",
    f"<body onload={SET}>",
    f"<input autofocus onfocus={SET}>",
    f'<form action="javascript:{SET}"><button>a</button></form>',
    f"<math><mtext><table><mglyph><style><img src=x onerror={SET}>",
    f"<noscript><p title='</noscript><img src=x onerror={SET}>'>",
    f"<svg><style><img src=x onerror={SET}></style></svg>",
    f'<object data="data:text/html,<script>{SET}</script>"></object>',
    f'<embed src="data:text/html,<script>{SET}</script>">',
    f'<meta http-equiv="refresh" content="0;url=javascript:{SET}">',
    f'<base href="javascript:{SET}//">',
    '<link rel="stylesheet" href="https://example.org/x.css">',
    "<style>* { display: none }</style>",
    '<div style="position:fixed;inset:0;background:url(https://example.org/x.png)">a</div>',
    '<img src="https://example.org/beacon.png">',
    f"</pre></div></section></main><script>{SET}</script>",
    f"--><script>{SET}</script><!--",
    f"]]><script>{SET}</script>",
    f"<!--capacity:scripts--><script>{SET}</script>",
    f"<svg><animate onbegin={SET} attributeName=x dur=1s></svg>",
    f'<svg><a xlink:href="javascript:{SET}"><text y="9">a</text></a></svg>',
    f'<svg><use href="data:image/svg+xml,<svg id=x xmlns=http://www.w3.org/2000/svg><script>{SET}</script></svg>#x"/></svg>',
    f"[a](javascript:{SET})",
    f"![a](x){{onerror={SET}}}",
    f"<template><script>{SET}</script></template>",
)
"""HTML, and Markdown that would become HTML."""

LABELS = (
    *(text for text in MARKUP if text.startswith("<")),
    f'" onmouseover="{SET}" x="',
    f"' onmouseover='{SET}' x='",
    f"</script><script>{SET}</script>",
    f"{{{{constructor.constructor('{SET}')()}}}}",
    f"${{{SET}}}",
    f"'] + ({SET}) + datum['",
    f"\\u003cscript\\u003e{SET}\\u003c/script\\u003e",
    "\u202eevil\u202c",
    "very-long-" * 60,
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "undefined",
)
"""Values of labels, which stand in tables, axes, legends and tooltips."""
