/* The evaluator: runs a spec at compile time and builds the graph as it goes. After a mistake the
 * value of an expression is VALUE_UNKNOWN, and whatever is made of an unknown value is unknown
 * without a further word. */
#ifndef RIFFLE_FRONTEND_EVALUATE_H
#define RIFFLE_FRONTEND_EVALUATE_H

#include "frontend/syntax.h"
#include "ir/name_map.h"

enum {
    EFFORT_LIMIT = 4 * 1000 * 1000, /* steps, list items and string bytes of one elaboration */
    COMPARISONS_OF_A_STEP = 16,
    EVALUATION_DEPTH_LIMIT = 1000, /* nested expressions and statements, through all calls */
    CALL_DEPTH_LIMIT = 64,         /* units that call units */
    LIST_LIMIT = 65536,            /* items of one list */
    LIST_DEPTH_LIMIT = 16,         /* lists in one another */
    NODE_LIMIT = 16384,            /* nodes of the graph */
    IMPORT_LIMIT = 64,             /* files */
    REPORT_LIMIT = 200,            /* mistakes before evaluation stops */
};

typedef enum DatumKind {
    DATUM_UNKNOWN,
    DATUM_INTEGER,
    DATUM_NUMBER,
    DATUM_BOOLEAN,
    DATUM_STRING,
    DATUM_LIST,
    DATUM_TABLE,
    DATUM_TENSOR,
    DATUM_FUNCTION
} DatumKind;

typedef struct Datum Datum;

/* What a spec computes with. Never changed once made. */
struct Datum {
    DatumKind kind;
    int count; /* items of a list, entries of a table */
    int depth; /* lists and tables in one another */
    union {
        int64_t integer;
        double number;
        bool boolean;
        const char *string;
        const Datum *items; /* a table's keys and values in turn */
        Value *tensor;
        const char *function; /* name of a unit or builtin */
    };
};

typedef struct Variable {
    const char *name;
    Datum value;
    struct Variable *next;
} Variable;

typedef struct Scope {
    struct Scope *parent;
    Variable *variables; /* the newest first */
    int count;
    NameMap *by_name; /* NULL while there are few */
} Scope;

/* A weight path under construction. Ops without a path of their own count per prefix. */
typedef struct Prefix {
    const char *text;
    int counts[OP_COUNT];
} Prefix;

/* A call of a unit in progress. */
typedef struct Frame {
    struct Frame *caller;
    const Item *unit; /* NULL for the network */
    SourceRange call;
    Datum result;
    bool returned;
} Frame;

typedef struct Evaluator {
    const Spec *spec;
    const Item *network;
    const Item **units; /* of the spec and its imports */
    int unit_count, unit_capacity;
    NameMap *units_by_name;
    NameMap *interface_names; /* of inputs, outputs and the answer */
    struct ImportedFile {
        const char *path;
        struct ImportedFile *next;
    } *files;
    int import_count;
    Graph *graph;
    Arena *arena;
    Diagnostics *diagnostics;
    Scope *scope;
    Prefix *prefix;
    Frame *frame;
    int64_t effort;
    int64_t comparisons; /* that do not make up a step yet */
    int depth, call_depth, node_count, report_count;
    bool failed;  /* some error was reported */
    bool stopped; /* a limit was reached: evaluate nothing more */
    struct Reported {
        SourceRange where;
        struct Reported *next;
    } *reported;
} Evaluator;

/* One argument of a call, evaluated. */
typedef struct CallArgument {
    const char *name; /* NULL when positional */
    SourceRange where, name_where;
    const char *source_name; /* the name the value was read from, or NULL */
    Datum value;
    bool used;
} CallArgument;

typedef struct Call {
    const char *name;
    SourceRange where, name_where;
    CallArgument *arguments;
    int count;
    const char *path;          /* full weight path given by '@', or NULL */
    CallArgument **positional; /* those without a name */
    int positional_count, indexed_count;
    NameMap *by_name; /* the others; NULL while there are few */
} Call;

/* ---- values.c ---- */

Datum datum_integer(int64_t value);
Datum datum_number(double value);
Datum datum_boolean(bool value);
Datum datum_string(const char *value);
Datum datum_list(const Datum *items, int count);
Datum datum_tensor(Value *value);
extern const Datum datum_unknown;

bool datum_is_numeric(Datum datum);
double datum_as_number(Datum datum);
/* "a whole number", "a list of 3 items", "a tensor" */
const char *datum_describe(Datum datum, Arena *arena);
/* As the language writes it; a string without quotes when `bare`. Long lists are cut short. */
void datum_print(Datum datum, bool bare, Text *text);
const char *datum_spelling(Datum datum, Arena *arena);
/* Counts what was compared; false once that is more than `most`. */
bool datum_equal(Datum a, Datum b, int64_t *compared, int64_t most);

/* ---- complain.c ---- */

/* Reports an error once per place, with the calls of units that led there. Returns unknown. */
Datum complain(Evaluator *evaluator, SourceRange where, const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Whether an error was reported at the place already. */
bool was_reported(const Evaluator *evaluator, SourceRange where);
/* After someone else reported an error at the place: adds the calls that led there. */
void note_reported(Evaluator *evaluator, SourceRange where);
/* Counts work; false once the limit is reached. */
bool spend(Evaluator *evaluator, int64_t effort, SourceRange where);
/* Whether the two are equal. Counts COMPARISONS_OF_A_STEP comparisons as a step of work; false,
 * too, once the limit is reached. */
bool is_equal(Evaluator *evaluator, Datum a, Datum b, SourceRange where);

/* ---- evaluate.c ---- */

Datum evaluate(Evaluator *evaluator, const SpecExpression *expression);
/* The text of a string or path; NULL when a part is unknown. */
const char *evaluate_template(Evaluator *evaluator, const Template *text);
/* Prefix and path joined by a '.', or by nothing when the path begins with '/'. */
Prefix *enter_path(Evaluator *evaluator, const Template *path);

/* ---- variables.c ---- */

void define(Evaluator *evaluator, const char *name, Datum value);
Variable *find_variable(const Evaluator *evaluator, const char *name);
/* "did you mean 'conv'?" from all that is known here, or NULL. */
const char *nearest_name(const Evaluator *evaluator, const char *name, bool variables);
Datum evaluate_name(Evaluator *evaluator, const SpecExpression *expression);

/* ---- collections.c ---- */

/* A list of the items, or unknown after reporting that it is nested too deeply. */
Datum make_list(Evaluator *evaluator, const Datum *items, int count, SourceRange where);
Datum evaluate_list(Evaluator *evaluator, const SpecExpression *expression);
Datum evaluate_table(Evaluator *evaluator, const SpecExpression *expression);
Datum evaluate_index(Evaluator *evaluator, const SpecExpression *expression);

/* ---- calls.c ---- */

/* Evaluates the arguments of a call, behind `piped` unless that is NULL. False after an error that
 * leaves no sense in the call. */
bool evaluate_arguments(
    Evaluator *evaluator, const SpecExpression *expression, const CallArgument *piped, Call *call);
/* Calls a name with arguments, behind an optional first argument from a pipe, under an optional
 * path. Arguments are evaluated outside of the path. */
Datum evaluate_call(Evaluator *evaluator, const SpecExpression *expression,
    const CallArgument *piped, const Template *path);
Datum evaluate_at(Evaluator *evaluator, const SpecExpression *expression);
Datum evaluate_pipe(Evaluator *evaluator, const SpecExpression *expression);

/* ---- arithmetic.c ---- */

Datum evaluate_unary(Evaluator *evaluator, const SpecExpression *expression);
Datum evaluate_binary(Evaluator *evaluator, const SpecExpression *expression);

/* ---- statements.c ---- */

void run_block(Evaluator *evaluator, const SpecBlock *block);
/* Binds names of a pattern to a value. */
void bind_pattern(Evaluator *evaluator, const SpecExpression *pattern, Datum value, bool make_new);
/* Parameters of the unit from the call's arguments, then its body. */
Datum call_unit(Evaluator *evaluator, const Item *unit, Call *call);

/* ---- imports.c ---- */

/* Makes the units of the spec and of all that it imports known. */
void collect_units(Evaluator *evaluator, const Spec *spec);
/* The name, relative to the file that it stands in. */
const char *path_beside(Arena *arena, const SourceFile *file, const char *name);
/* The path of an import, as seen from the folder of the importing file; NULL when it is none. */
const char *import_path(Arena *arena, const SourceFile *importer, const Item *item);
const Item *find_unit(const Evaluator *evaluator, const char *name); /* NULL when unknown */

/* ---- builtins.c: functions on compile-time values ---- */

/* False when there is no such function. */
bool call_builtin(Evaluator *evaluator, Call *call, Datum *result);
/* The names of all builtins and operations, for hints; the array ends with NULL. */
const char *const *builtin_names(void);
bool is_builtin(const char *name);
bool is_function(const Evaluator *evaluator, const char *name);
/* Words that stand for themselves: rgb, nv21, paper, megvii, none. */
bool is_word(const char *name);

/* ---- operations.c: functions that make nodes ---- */

bool call_operation(Evaluator *evaluator, Call *call, Datum *result);
const char *const *operation_names(void);
/* Its op of the graph; false when there is no such operation. */
bool operation_op(const char *name, OpKind *op);
/* The names of its arguments besides tensors, at most `most`; returns how many. */
int operation_arguments(const char *name, const char **names, int most);
/* The sum or product of two tensors. */
Datum combine_tensors(
    Evaluator *evaluator, OpKind op, Value *left, Value *right, SourceRange where);

/* ---- arguments.c ---- */

/* Adds the argument to the indexes of the call, behind the last; false when its name was given
 * before. */
bool index_argument(Evaluator *evaluator, Call *call, CallArgument *argument);
/* The argument of that name, or the positional one with that index; NULL when absent. */
CallArgument *find_argument(Call *call, const char *name, int position);
bool argument_integer(Evaluator *evaluator, const Call *call, const CallArgument *argument,
    const char *name, int64_t least, int64_t *value);
bool argument_number(Evaluator *evaluator, const Call *call, const CallArgument *argument,
    const char *name, double *value);
bool argument_flag(Evaluator *evaluator, const Call *call, const CallArgument *argument,
    const char *name, bool *value);
/* A list of whole numbers; NULL items after an error. */
bool argument_integers(Evaluator *evaluator, const Call *call, const CallArgument *argument,
    const char *name, int64_t least, IntegerList *list);
/* The index of the word in `words` (ends with NULL), -1 after an error. */
bool argument_formula(Evaluator *evaluator, const Call *call, const CallArgument *argument,
    const char *name, int operands, const Formula **formula);
int argument_choice(Evaluator *evaluator, const Call *call, const CallArgument *argument,
    const char *name, const char *const *words);
/* Reports arguments that nothing used. `known` ends with NULL. */
void check_unused(Evaluator *evaluator, const Call *call, const char *const *known);
/* A whole number, or a number without fraction. */
bool datum_to_integer(Datum datum, int64_t *value);

/* ---- inputs.c ---- */

void declare_input(Evaluator *evaluator, const SpecStatement *statement);
void declare_output(Evaluator *evaluator, const SpecStatement *statement);
/* Whether an input, an output or an answer of that name may stand here; reports why not. */
bool check_declaration(Evaluator *evaluator, const SpecStatement *statement);
/* Whether the statement stands in a network; reports where not. */
bool check_place(Evaluator *evaluator, const SpecStatement *statement);

/* ---- answers.c ---- */

void declare_answer(Evaluator *evaluator, const SpecStatement *statement);

/* ---- labels.c ---- */

void declare_labels(Evaluator *evaluator, const SpecStatement *statement);

/* ---- elaborate.c ---- */

Evaluator *evaluator_create(const Spec *spec, Arena *arena, Diagnostics *diagnostics);
/* Runs the network of the spec; what was built so far is in the graph in any case. */
bool evaluator_run(Evaluator *evaluator, const Setting *settings, size_t setting_count);

#endif
