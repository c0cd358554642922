//! Families of APIs: what their parameters are called, and what in an answer
//! hints at them. This is only knowledge; each line of it is tried before it is
//! believed.
//!
//! In names and values `{cursor}` stands for the timestamp's name, `{stem}` for
//! that without its ending, `{key}` for the key's name. The other places are
//! those of a connection file.

/// A parameter's name and the template of its value.
pub(super) type Pair = (&'static str, &'static str);

/// What in a first answer hints at a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hint {
    /// The body is a list.
    Bare,
    /// Something is at this JSON pointer.
    At(&'static str),
    /// A header of this name.
    Header(&'static str),
}

/// Parameters for both directions of an order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    /// The oldest first.
    pub(super) up: &'static [Pair],
    /// The newest first, which shows whether the parameters have an effect.
    pub(super) down: &'static [Pair],
}

/// One family.
#[derive(Debug, Clone, Copy)]
pub(super) struct Family {
    /// What hints at it: all of these.
    pub(super) hints: &'static [Hint],
    /// How many rows, and which: each list of parameters is one way.
    pub(super) pages: &'static [&'static [Pair]],
    /// Orders, the most exact first.
    pub(super) orders: &'static [Order],
    /// Filters from a timestamp on.
    pub(super) filters: &'static [Pair],
    /// Parameters that ask for a total.
    pub(super) totals: &'static [Pair],
    /// Headers that do.
    pub(super) headers: &'static [Pair],
    /// A bound before all rows, where the filter cannot be left out.
    pub(super) first: Option<&'static str>,
    /// Rows to ask for at once, where the API takes as many.
    pub(super) size: u64,
}

const NONE: Family = Family {
    hints: &[],
    pages: &[],
    orders: &[],
    filters: &[],
    totals: &[],
    headers: &[],
    first: None,
    size: 100,
};

/// Rows to send, and rows to skip.
const LIMIT_OFFSET: &[Pair] = &[("limit", "{limit}"), ("offset", "{offset}")];

/// All families that are tried. Those whose hints hold go first, then those
/// without a hint.
pub(super) const FAMILIES: [Family; 12] = [
    // The defaults, which fit the example API of Fivetran's Connector SDK.
    Family {
        hints: &[Hint::At("/data"), Hint::At("/offset"), Hint::At("/total")],
        pages: &[LIMIT_OFFSET],
        orders: &[Order {
            up: &[("order_by", "{cursor}"), ("order_type", "asc")],
            down: &[("order_by", "{cursor}"), ("order_type", "desc")],
        }],
        filters: &[("updated_since", "{since}")],
        first: Some("0001-01-01T00:00:00Z"),
        size: 50,
        ..NONE
    },
    // Strapi 4 and 5.
    Family {
        hints: &[Hint::At("/data"), Hint::At("/meta/pagination")],
        pages: &[
            &[
                ("pagination[limit]", "{limit}"),
                ("pagination[start]", "{offset}"),
            ],
            &[
                ("pagination[pageSize]", "{limit}"),
                ("pagination[page]", "{page}"),
            ],
        ],
        orders: &[
            Order {
                up: &[("sort[0]", "{cursor}:asc"), ("sort[1]", "{key}:asc")],
                down: &[("sort[0]", "{cursor}:desc"), ("sort[1]", "{key}:desc")],
            },
            Order {
                up: &[("sort", "{cursor}:asc")],
                down: &[("sort", "{cursor}:desc")],
            },
        ],
        filters: &[("filters[{cursor}][$gte]", "{since}")],
        ..NONE
    },
    // pygeoapi and other servers of OGC API Features.
    Family {
        hints: &[Hint::At("/features")],
        pages: &[
            LIMIT_OFFSET,
            &[("limit", "{limit}"), ("startindex", "{offset}")],
        ],
        orders: &[Order {
            up: &[("sortby", "{cursor}")],
            down: &[("sortby", "-{cursor}")],
        }],
        filters: &[("datetime", "{since}/..")],
        ..NONE
    },
    // WordPress: the filter and the order name the local time.
    Family {
        hints: &[Hint::Bare, Hint::Header("X-WP-Total")],
        pages: &[
            &[("per_page", "{limit}"), ("offset", "{offset}")],
            &[("per_page", "{limit}"), ("page", "{page}")],
        ],
        orders: &[Order {
            up: &[("orderby", "modified"), ("order", "asc")],
            down: &[("orderby", "modified"), ("order", "desc")],
        }],
        filters: &[("modified_after", "{since}")],
        ..NONE
    },
    // PostgREST, and Supabase with it.
    Family {
        hints: &[Hint::Bare, Hint::Header("Content-Range")],
        pages: &[LIMIT_OFFSET],
        orders: &[
            Order {
                up: &[("order", "{cursor}.asc,{key}.asc")],
                down: &[("order", "{cursor}.desc,{key}.desc")],
            },
            Order {
                up: &[("order", "{cursor}.asc")],
                down: &[("order", "{cursor}.desc")],
            },
        ],
        filters: &[("{cursor}", "gte.{since}")],
        headers: &[("Prefer", "count=exact")],
        ..NONE
    },
    // Django REST framework, with the filters of django-filter.
    Family {
        hints: &[Hint::At("/results"), Hint::At("/count")],
        pages: &[
            LIMIT_OFFSET,
            &[("page_size", "{limit}"), ("page", "{page}")],
            &[("page", "{page}")],
        ],
        orders: &[
            Order {
                up: &[("ordering", "{cursor},{key}")],
                down: &[("ordering", "-{cursor},-{key}")],
            },
            Order {
                up: &[("ordering", "{cursor}")],
                down: &[("ordering", "-{cursor}")],
            },
        ],
        filters: &[
            ("{cursor}__gte", "{since}"),
            ("{cursor}_after", "{since}"),
            ("{stem}_after", "{since}"),
            ("{stem}_since", "{since}"),
            ("{stem}__gte", "{since}"),
            ("{cursor}_min", "{since}"),
            ("{cursor}__gt", "{since}"),
        ],
        ..NONE
    },
    // Directus.
    Family {
        hints: &[Hint::At("/data")],
        pages: &[LIMIT_OFFSET, &[("limit", "{limit}"), ("page", "{page}")]],
        orders: &[
            Order {
                up: &[("sort", "{cursor},{key}")],
                down: &[("sort", "-{cursor},-{key}")],
            },
            Order {
                up: &[("sort", "{cursor}")],
                down: &[("sort", "-{cursor}")],
            },
        ],
        filters: &[("filter[{cursor}][_gte]", "{since}")],
        totals: &[("meta", "filter_count")],
        ..NONE
    },
    // Platformatic DB.
    Family {
        hints: &[Hint::Bare],
        pages: &[LIMIT_OFFSET],
        orders: &[Order {
            up: &[("orderby.{cursor}", "asc"), ("orderby.{key}", "asc")],
            down: &[("orderby.{cursor}", "desc"), ("orderby.{key}", "desc")],
        }],
        filters: &[("where.{cursor}.gte", "{since}")],
        totals: &[("totalCount", "true")],
        ..NONE
    },
    // json-server 0 and 1.
    Family {
        hints: &[Hint::Bare],
        pages: &[
            &[("_limit", "{limit}"), ("_start", "{offset}")],
            &[("_limit", "{limit}"), ("_page", "{page}")],
            &[("_per_page", "{limit}"), ("_page", "{page}")],
        ],
        orders: &[
            Order {
                up: &[("_sort", "{cursor},{key}"), ("_order", "asc,asc")],
                down: &[("_sort", "{cursor},{key}"), ("_order", "desc,desc")],
            },
            Order {
                up: &[("_sort", "{cursor},{key}")],
                down: &[("_sort", "-{cursor},-{key}")],
            },
        ],
        filters: &[("{cursor}_gte", "{since}"), ("{cursor}:gte", "{since}")],
        ..NONE
    },
    // LoopBack 4: pieces of one JSON object in one parameter.
    Family {
        hints: &[Hint::Bare],
        pages: &[&[
            ("filter", "{\"limit\":{limit}}"),
            ("filter", "{\"skip\":{offset}}"),
        ]],
        orders: &[Order {
            up: &[("filter", "{\"order\":[\"{cursor} ASC\",\"{key} ASC\"]}")],
            down: &[("filter", "{\"order\":[\"{cursor} DESC\",\"{key} DESC\"]}")],
        }],
        filters: &[("filter", "{\"where\":{\"{cursor}\":{\"gte\":\"{since}\"}}}")],
        first: Some("1970-01-01T00:00:00.000Z"),
        ..NONE
    },
    // OData.
    Family {
        hints: &[Hint::At("/value")],
        pages: &[&[("$top", "{limit}"), ("$skip", "{offset}")]],
        orders: &[Order {
            up: &[("$orderby", "{cursor} asc,{key} asc")],
            down: &[("$orderby", "{cursor} desc,{key} desc")],
        }],
        filters: &[("$filter", "{cursor} ge {since}")],
        totals: &[("$count", "true")],
        ..NONE
    },
    // What many others have in common.
    Family {
        pages: &[
            LIMIT_OFFSET,
            &[("limit", "{limit}"), ("skip", "{offset}")],
            &[("per_page", "{limit}"), ("page", "{page}")],
            &[("page_size", "{limit}"), ("page", "{page}")],
            &[("pageSize", "{limit}"), ("page", "{page}")],
            &[("limit", "{limit}"), ("page", "{page}")],
            &[("size", "{limit}"), ("page", "{page0}")],
            &[("page", "{page}")],
        ],
        orders: &[
            Order {
                up: &[("sort", "{cursor}")],
                down: &[("sort", "-{cursor}")],
            },
            Order {
                up: &[("sort", "{cursor}"), ("order", "asc")],
                down: &[("sort", "{cursor}"), ("order", "desc")],
            },
            Order {
                up: &[("sort", "{stem}"), ("direction", "asc")],
                down: &[("sort", "{stem}"), ("direction", "desc")],
            },
            Order {
                up: &[("sort_by", "{cursor}"), ("order", "asc")],
                down: &[("sort_by", "{cursor}"), ("order", "desc")],
            },
            Order {
                up: &[("order_by", "{cursor}"), ("order", "asc")],
                down: &[("order_by", "{cursor}"), ("order", "desc")],
            },
            Order {
                up: &[("order_by", "{cursor}"), ("order_type", "asc")],
                down: &[("order_by", "{cursor}"), ("order_type", "desc")],
            },
            Order {
                up: &[("orderBy", "{cursor}"), ("order", "asc")],
                down: &[("orderBy", "{cursor}"), ("order", "desc")],
            },
            Order {
                up: &[("sort", "{cursor}:asc")],
                down: &[("sort", "{cursor}:desc")],
            },
            Order {
                up: &[("sort", "{cursor},asc")],
                down: &[("sort", "{cursor},desc")],
            },
        ],
        filters: &[
            ("updated_since", "{since}"),
            ("{stem}_since", "{since}"),
            ("{stem}Since", "{since}"),
            ("since", "{since}"),
            ("{stem}_after", "{since}"),
            ("{cursor}_gte", "{since}"),
            ("{cursor}[gte]", "{since}"),
            ("{cursor}[$gte]", "{since}"),
            ("filter[{cursor}][gte]", "{since}"),
            ("{cursor}_from", "{since}"),
        ],
        ..NONE
    },
];
