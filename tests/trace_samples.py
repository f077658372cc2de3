"""One small sound file of each format, made by hand: the shape of the public traces, and nobody's data."""

from multihome.simulator.traces.facts import ReadSettings

SETTINGS = ReadSettings(window_ms=10_000, chips_per_node=8)

GAVEL = (
    "ResNet-18 (batch size 128)\tpython3 main.py --data_dir=%s/cifar10\timage\t--num_steps\t1\t925982\t4\t1\t-1.0\t0\n"
    "LM (batch size 40)\tpython main.py --cuda\tlanguage_modeling\t--steps\t1\t297215\t1\t2.5\t1.2\t46317.25\n"
)
PHILLY = (
    "timestamp,duration,num_gpus,gpu_time,cluster\n"
    "2017-10-09 07:01:55,66.0,1,66.0,11cb48\n"
    "2017-10-09 06:13:03,2951.0,8,23608.0,6214e9\n"
)
SLURM = (
    "JobID|User|Account|Partition|Submit|Start|End|Elapsed|State|AllocTRES\n"
    "101|ann|vision|gpu|2026-01-05T08:00:00|2026-01-05T08:10:00|2026-01-06T09:10:01|1-01:00:01|COMPLETED|"
    "billing=8,cpu=64,gres/gpu:a100=8,gres/gpu=8,node=1\n"
    "101.batch||vision||2026-01-05T08:10:00|2026-01-05T08:10:00|2026-01-06T09:10:01|1-01:00:01|COMPLETED|cpu=64\n"
    "102|bob||gpu|2026-01-05T07:00:00|2026-01-05T07:00:05|2026-01-05T07:02:05|00:02:00|FAILED|gres/gpu:h100=2\n"
    "103|bob||gpu|2026-01-05T09:00:00|Unknown|Unknown|00:00:00|CANCELLED by 7|gres/gpu=2\n"
    "104|bob||cpu|2026-01-05T09:00:00|2026-01-05T09:00:00|2026-01-05T09:00:30|00:30|COMPLETED|cpu=4,node=1\n"
    "105|bob||gpu|2026-01-05T09:00:00|2026-01-05T09:00:00|Unknown|00:30|RUNNING|gres/gpu=2\n"
    "101|ann|vision|gpu|2026-01-05T08:00:00|2026-01-05T08:10:00|2026-01-05T08:10:07|00:00:07|NODE_FAIL|gres/gpu=8\n"
)
SWF = (
    "; Version: 2.2\n"
    ";   UnixStartTime: 1767225600\n"
    "\n"
    "  1      0    5   3600  64 -1.5 -1   64  7200 -1 1  3  12 -1 0 -1 -1 -1\n"
    "  2    120   -1     -1  -1   -1 -1   32  7200 -1 5  3  12 -1 0 -1 -1 -1\n"
    "  3    180.5  0    0.5  -1   -1 -1   16   -1  -1 1  4  -1 -1 0 -1 -1 -1\n"
)
AZURE = (
    "TIMESTAMP,ContextTokens,GeneratedTokens\r\n"
    "2023-11-16 18:17:03.9799600,4808,10\r\n"
    "2023-11-16 18:17:04.0319600,3180,8\r\n"
    "2023-11-16 18:17:28.0781490,110,27"
)
MOONCAKE = (
    '{"timestamp": 0, "input_length": 6758, "output_length": 500, "hash_ids": [0, 1]}\n'
    '{"timestamp": 9999, "input_length": 10, "output_length": 1, "hash_ids": []}\n'
    '{"timestamp": 10000, "input_length": 7, "output_length": 2, "hash_ids": [3]}\n'
)
SAMPLES = {
    "gavel": GAVEL,
    "philly": PHILLY,
    "slurm": SLURM,
    "swf": SWF,
    "azure-llm": AZURE,
    "mooncake": MOONCAKE,
}
"""By the word of the format."""

THROUGHPUTS = (
    '{"v100": {"(\'ResNet-18 (batch size 128)\', 4)": {"null": 32.3533843289, "(\'LM\', 1)": [1.5, 2]}, '
    '"(\'LM\', 1)": {"null": 0.0000005}}, "k80": {"(\'LM\', 1)": {"null": 0}}}'
)
